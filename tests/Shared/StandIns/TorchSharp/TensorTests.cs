using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace TorchSharp.Tests;

/// <summary>Making, reading, indexing and converting tensors.</summary>
public sealed class TensorTests
{
    [Fact]
    public void Tensor_FromArrays_HasTheirShapeAndType()
    {
        using var scope = NewDisposeScope();

        Assert.Equal((ScalarType.Float32, 0L), (tensor(1.5f).dtype, tensor(1.5f).ndim));
        Assert.Equal(ScalarType.Int64, tensor(new long[] { 1, 2 }).dtype);
        Assert.Equal([2L, 3L], tensor(new[,] { { 1, 2, 3 }, { 4, 5, 6 } }).shape);
        Assert.Equal([2L, 2L], tensor(new float[] { 1, 2, 3, 4 }, [2, 2]).shape);
        Assert.Equal(ScalarType.Float32, tensor(new[] { 1, 2 }, dtype: float32).dtype);
        Assert.Equal([true, false], tensor(new[] { true, false }).data<bool>());
        Assert.Equal([0L], tensor(Array.Empty<float>()).shape);
        Assert.Equal([1d, 2d, 3d, 4d], from_array(new double[,] { { 1, 2 }, { 3, 4 } }).data<double>());
    }

    [Fact]
    public void Tensor_OfTheWrongCount_SaysSo() =>
        Assert.Contains("3 values do not fill a tensor of shape [2, 2]", Assert.Throws<ArgumentException>(() => tensor(new float[3], [2, 2])).Message);

    [Fact]
    public void Data_OfATransposedTensor_ReadsInRowMajorOrder()
    {
        using var scope = NewDisposeScope();
        var transposed = arange(6).view(2, 3).t();

        var data = transposed.data<long>();

        Assert.Equal([0, 3, 1, 4, 2, 5], data.ToArray());
        Assert.Equal(4, data[1, 1]);
        Assert.Equal([0, 3, 1, 4, 2, 5], data);
    }

    [Fact]
    public void Data_OfAnotherType_SaysWhichItIs()
    {
        using var numbers = arange(3);

        Assert.Contains("Single is not compatible with Int64", Assert.Throws<ArgumentException>(() => numbers.data<float>()).Message);
    }

    [Fact]
    public void Item_OfSeveralElements_SaysHowMany()
    {
        using var numbers = arange(3);

        Assert.Contains("this one has 3 (shape [3])", Assert.Throws<ArgumentException>(() => numbers.item<long>()).Message);
    }

    [Fact]
    public void Bytes_Written_ChangeTheTensor()
    {
        using var tensor = zeros(2);

        tensor.bytes = MemoryMarshal.AsBytes(new[] { 1f, 2f }.AsSpan());

        Assert.Equal([1f, 2f], tensor.data<float>());
        Assert.Throws<ArgumentException>(() => tensor.bytes = new byte[4]);
    }

    [Fact]
    public void FromBuffer_OfAnArray_SharesItsMemory()
    {
        var array = new float[] { 1, 2, 3, 4 };
        using (var shared = frombuffer(array, ScalarType.Float32, count: 2, offset: 1))
        {
            shared.mul_(10);
            Assert.Throws<ArgumentOutOfRangeException>(() => frombuffer(array, ScalarType.Float32, count: 4, offset: 1));
        }

        Assert.Equal([1, 20, 30, 4], array);
    }

    [Fact]
    public void Conversions_OfOneElement_GiveItsValue()
    {
        using var scope = NewDisposeScope();
        var value = tensor(2.5);

        Assert.Equal((2.5, 2.5f, 2L), (value.ToDouble(), value.ToSingle(), value.ToInt64()));
        Assert.Equal(2.5, value.to(ScalarType.BFloat16).ToDouble());
        Assert.Equal((Half)2.5, value.half().item<Half>());
        Assert.True((value > 2).ToBoolean());
    }

    [Fact]
    public void Index_WithEveryKind_IsPyTorchs()
    {
        using var scope = NewDisposeScope();
        var t = arange(24).view(2, 3, 4);

        Assert.Equal(23, t[-1, -1, -1].item<long>());
        Assert.Equal([4L, 5, 6, 7], t[0, 1].data<long>());
        Assert.Equal([2L, 3, 2], t[.., .., 1..3].shape);
        Assert.Equal([1L, 13], t[TensorIndex.Ellipsis, 0, 1].data<long>());
        Assert.Equal([2L, 1, 3, 4], t[TensorIndex.Colon, TensorIndex.Null].shape);
        Assert.Equal([0L, 2], t[0, 0, TensorIndex.Slice(0, null, 2)].data<long>());
        Assert.Equal([12L, 0], t[tensor(new long[] { 1, 0 }), 0, 0].data<long>());
        Assert.Equal([22L, 23], t[t > 21].data<long>());
        Assert.Equal([3L, 7, 11], t[0, TensorIndex.Colon, ^1].data<long>());
        Assert.Equal([2L, 2, 4], t[TensorIndex.Colon, tensor(new long[] { 2, 0 })].shape);
    }

    [Fact]
    public void Index_Assigned_WritesInPlace()
    {
        using var scope = NewDisposeScope();
        var t = zeros(3, 3);

        t[1] = ones(3);
        t[TensorIndex.Colon, 2] = tensor(5f);
        t[t.eq(1)] = tensor(7f);
        t[tensor(new long[] { 0 }), tensor(new long[] { 0 })] = tensor(-1f);

        Assert.Equal([-1f, 0, 5, 7, 7, 5, 0, 0, 5], t.data<float>());
    }

    [Fact]
    public void Index_BeyondTheDimensions_SaysHowManyThereAre()
    {
        using var t = zeros(3, 3);

        Assert.Contains("3 indices were given for a tensor of 2 dimensions (shape [3, 3])", Assert.Throws<ArgumentException>(() => t[0, 0, 0]).Message);
    }

    [Fact]
    public void InPlace_Operators_ReturnTheSameObject()
    {
        using var t = ones(2);

        Assert.Same(t, t.add_(1).mul_(2).sqrt_());
        Assert.Equal([2f, 2f], t.data<float>());
    }

    [Fact]
    public void Generator_WithASeed_HasItsOwnStream()
    {
        using var scope = NewDisposeScope();
        using var own = new Generator(12);
        manual_seed(12);
        var expected = randn(4);
        manual_seed(99);

        Assert.True(randn(4, generator: own).equal(expected));
        var state = own.get_state();
        var next = randn(4, generator: own);
        own.set_state(state);
        Assert.True(randn(4, generator: own).equal(next));
    }

    [Fact]
    public void Dropout_WithOneSeed_IsTheSameMask()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        var first = nn.functional.dropout(ones(100), 0.5);
        manual_seed(4);

        Assert.True(first.equal(nn.functional.dropout(ones(100), 0.5)));
        Assert.Equal([0f, 2f], first.data<float>().Distinct().Order());
    }

    [Fact]
    public void Device_FromText_IsParsed()
    {
        Assert.Equal(new Device(DeviceType.CUDA, 1), device("cuda:1"));
        Assert.Equal(CPU, device("cpu"));
        Assert.Equal("cuda:3", device("cuda:3").ToString());
        Assert.Contains("Write cpu, cuda or cuda:N", Assert.Throws<FormatException>(() => device("gpu")).Message);
        Assert.Throws<FormatException>(() => device("cuda:x"));
    }

    [Fact]
    public void Cuda_Tensors_ComputeAsOnTheCpu()
    {
        Assert.SkipUnless(torch.cuda.is_available(), "No CUDA device: libtorch has no CUDA, or there is no GPU.");
        using var scope = NewDisposeScope();
        var (a, b) = (randn(64, 32), randn(32, 16));

        var product = a.cuda().matmul(b.cuda());

        Assert.True(product.is_cuda);
        Assert.True(product.cpu().allclose(a.matmul(b), atol: 1e-4));
        torch.cuda.synchronize();
    }

    [Fact]
    public void Cuda_Training_IsTheSameBitsTwice()
    {
        Assert.SkipUnless(torch.cuda.is_available(), "No CUDA device: libtorch has no CUDA, or there is no GPU.");
        using var scope = NewDisposeScope();
        Extensions.NumericEnvironment.UseDeterministicAlgorithms(true);
        Tensor Gradient()
        {
            manual_seed(1);
            using var model = new Support.Mlp(64, 64, 4).cuda();
            model.call(randn(16, 64, device: CUDA)).square().sum().backward();
            return cat(model.parameters().Select(parameter => parameter.grad!.flatten()).ToArray()).cpu();
        }

        Assert.True(Gradient().equal(Gradient()));
        Extensions.NumericEnvironment.UseDeterministicAlgorithms(false);
    }

    [Fact]
    public void Cuda_Device_WhereThereIsNone_SaysSo()
    {
        Assert.SkipWhen(torch.cuda.is_available(), "This machine has a CUDA device.");
        using var tensor = ones(1);

        Assert.Throws<ExternalException>(() => tensor.cuda());
        Assert.Contains("There is no device cuda:0", Assert.Throws<ExternalException>(() => torch.cuda.synchronize()).Message);
    }
}
