using Orchestrator.Core.Reduction;

namespace Orchestrator.Core.Tests.Reduction;

public sealed class PlanTests
{
    [Fact]
    public void RankPlanEven_AnySizes_CoversEveryRankOnceAndDiffersByAtMostOne()
    {
        for (var v = 1; v <= 20; v++)
        {
            for (var members = 1; members <= 24; members++)
            {
                var ranges = RankPlan.Even(v, members);
                Assert.Equal(members, ranges.Length);
                Assert.Equal(Enumerable.Range(0, v), ranges.SelectMany(range => Enumerable.Range(range.First, range.Count)));
                var busy = ranges.Where(range => range.Count > 0).ToList();
                Assert.Equal(Math.Min(v, members), busy.Count);
                Assert.InRange(busy.Max(range => range.Count) - busy.Min(range => range.Count), 0, 1);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    [InlineData(65537)]
    public void SlicePlanEven_AnySizes_CoversEveryElementOnceAtAlignedOffsets(long elements)
    {
        for (var members = 1; members <= 16; members++)
        {
            var slices = SlicePlan.Even(new ElementRange(32, elements), members);
            var next = 32L;
            foreach (var slice in slices)
            {
                Assert.Equal(next, slice.Offset);
                Assert.True(slice.Length == 0 || slice.Offset % SlicePlan.AlignmentElements == 0);
                var pieces = SlicePlan.Pieces(slice, 100);
                Assert.Equal(slice.Length, pieces.Sum(piece => piece.Length));
                next = slice.End;
            }

            Assert.Equal(32 + elements, next);
        }
    }
}
