using System.Globalization;
using Orchestrator.Core.Jobs;
using Orchestrator.Training.Data;

namespace Orchestrator.Training.Tests.Data;

public sealed class CsvRowsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_ClassesFromText_AreNumberedOrdinallyAndInputsStandardised()
    {
        using var parts = Open("size,weight,kind\n1,10,plum\n3,30,apple\n1,10,plum\n3,30,pear\n");
        Assert.Equal([2], parts.Shape.Input);
        Assert.Equal(3, parts.Shape.Classes);
        using var batch = parts.Training.Read([3, 0], default);
        Assert.Equal([1L, 2L], batch.Targets.data<long>().ToArray());
        Assert.Equal([1f, 1f, -1f, -1f], batch.Inputs.data<float>().ToArray());
    }

    [Fact]
    public void Read_WholeNumbersFromZero_KeepTheirNumbers()
    {
        using var parts = Open("x,kind\n5,2\n5,0\n5,10\n5,1.0\n5,1\n", spec => spec with { TargetKind = "classes" });
        Assert.Equal(4, parts.Shape.Classes);
        using var batch = parts.Training.Read([0, 1, 2, 3, 4], default);
        Assert.Equal([2L, 0L, 3L, 1L, 1L], batch.Targets.data<long>().ToArray());
        Assert.All(batch.Inputs.data<float>().ToArray(), x => Assert.Equal(0, x));
    }

    [Fact]
    public void Read_RealTargets_AreAColumnOfValuesAsTheyStand()
    {
        using var parts = Open("kind,x\n0.5,1\n-3e2,2\n");
        Assert.Equal(0, parts.Shape.Classes);
        using var batch = parts.Training.Read([0, 1], default);
        Assert.Equal([2, 1], batch.Targets.shape);
        Assert.Equal([0.5f, -300f], batch.Targets.data<float>().ToArray());
    }

    [Fact]
    public void Read_QuotesSeparatorsLineEndsAndByteOrderMark_AreUnderstood()
    {
        using var parts = Open("\uFEFF\"a;b\";kind\r\n\"1\";\"x;\"\"y\"\"\"\r\n\r\n2;\"two\nlines\"\r\n3;plain",
            spec => spec with { Separator = ';', Features = ["a;b"] });
        Assert.Equal(3, parts.Training.Count);
        Assert.Equal(3, parts.Shape.Classes); // plain, two lines, x;"y"
        using var batch = parts.Training.Read([0, 1, 2], default);
        Assert.Equal([2L, 1L, 0L], batch.Targets.data<long>().ToArray());
    }

    [Fact]
    public void Read_ManyRowsInAnyOrder_FindsEachThroughTheIndex()
    {
        // 5,000 rows of growing width: more than one block, and rows that straddle blocks.
        var rows = Enumerable.Range(0, 5000).Select(i => string.Create(CultureInfo.InvariantCulture, $"{i},\"{new string('p', i % 97)}\",{i}.25"));
        using var parts = Open("id,pad,kind\n" + string.Join('\n', rows), spec => spec with { Features = ["id"], ValidationShare = 0.1 });
        Assert.Equal((4500, 500), (parts.Training.Count, parts.HeldOut!.Count));
        long[] ids = [.. Enumerable.Range(0, 4500).Select(i => (i * 2099L) % 4500)];
        using var batch = parts.Training.Read(ids, default);
        var split = HeldOutSplit.ByShare(5000, 0.1);
        Assert.Equal(ids.Select(id => split.TrainingItem(id) + 0.25f), batch.Targets.data<float>().ToArray());
    }

    [Fact]
    public void Read_HeldOutRows_DoNotMoveTheScale()
    {
        // The last of four rows is held out; its huge input must not count.
        using var parts = Open("x,kind\n1,0.5\n3,0.5\n5,0.5\n1000000,0.5\n", spec => spec with { ValidationShare = 0.25 });
        using var heldOut = parts.HeldOut!.Read([0], default);
        using var training = parts.Training.Read([0, 1, 2], default);
        var deviation = Math.Sqrt(8 / 3.0);
        Assert.Equal([(float)(-2 / deviation), 0f, (float)(2 / deviation)], training.Inputs.data<float>().ToArray());
        Assert.Equal([(float)(999_997 / deviation)], heldOut.Inputs.data<float>().ToArray());
    }

    [Theory]
    [InlineData("x,kind\n1,0\nbad,1\n", "line 3: column 'x' holds 'bad'; a finite number was expected")]
    [InlineData("x,kind\n1,0\n,1\n", "line 3: column 'x' is empty")]
    [InlineData("x,kind\n\n\nNaN,0\n", "line 4: column 'x' holds 'NaN'")]
    [InlineData("x,kind\n\"1\n\",0\n1,2,3\n", "line 4 has 3 fields; the header has 2")]
    [InlineData("x,kind\n1,\"open\n2,3\n", "line 2: the quote that opens field 2 is not closed within the file")]
    [InlineData("x,kind\n1,\"a\"b\n", "line 2: after the closing quote of field 2 comes 'b'")]
    [InlineData("x,kind\n", "has a header and no rows")]
    [InlineData("", "is empty; a header line")]
    [InlineData("x,y\n1,2\n", "has no column 'kind' (data.target); its header, split at ',', names x, y")]
    [InlineData("kind\n1\n", "has the target column 'kind' and no other")]
    [InlineData("kind,kind\n1,2\n", "has 2 columns named 'kind'")]
    public void Open_WrongFile_SaysWhereAndWhat(string text, string complaint)
    {
        var error = Assert.Throws<DataException>(() => Open(text));
        Assert.Contains(complaint, error.Message, StringComparison.Ordinal);
        Assert.Contains(Path.Combine(_folder.Path, "table.csv"), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_ValuesThatAreNoNumbers_NamesTheFirstLine()
    {
        var error = Assert.Throws<DataException>(() => Open("x,kind\n1,2\n1,many\n", spec => spec with { TargetKind = "value" }));
        Assert.Contains("line 3: column 'kind' holds 'many'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_UnknownTargetKind_NamesTheKnownOnes()
    {
        var error = Assert.Throws<DataException>(() => Open("x,kind\n1,2\n", spec => spec with { TargetKind = "klasses" }));
        Assert.Contains("data.targetKind is 'klasses'; auto, classes or value was expected", error.Message, StringComparison.Ordinal);
    }

    private DataParts Open(string text, Func<CsvDataSpec, CsvDataSpec>? change = null)
    {
        var spec = new CsvDataSpec(_folder.Write("table.csv", text), "kind") { ValidationShare = 0 };
        return DataSources.Open(Jobs.With(change?.Invoke(spec) ?? spec));
    }
}
