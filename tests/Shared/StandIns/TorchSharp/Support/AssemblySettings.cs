// Seeds, live tensors and memory are facts of the whole process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
