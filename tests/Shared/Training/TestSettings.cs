// torch's generator, its thread count and its count of live tensors belong to the whole process: tests that use them take turns.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
