using System.Security.Cryptography;

namespace Orchestrator.Training.Data.Idx;

/// <summary>Fetches MNIST's packed files over HTTPS and checks each against its published SHA-256 before it gets its name.</summary>
internal sealed class MnistDownload(HttpMessageHandler? transport = null)
{
    /// <summary>Two mirrors of the same files, tried in order; the original host no longer serves them reliably.</summary>
    private static readonly string[] Mirrors =
        ["https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"];

    /// <summary>Bytes and SHA-256 of the four .gz files.</summary>
    private static readonly Dictionary<string, (long Bytes, string Sha256)> Known = new()
    {
        [IdxNames.TrainImages] = (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        [IdxNames.TrainLabels] = (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        [IdxNames.TestImages] = (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        [IdxNames.TestLabels] = (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    };

    /// <summary>Fetches the named files into the folder as .gz. Several workers at once do no harm: each file appears whole, by a rename.</summary>
    /// <exception cref="DataException">No mirror answers, or what came is not the published file; says what to put where.</exception>
    public void Fetch(string dir, IReadOnlyList<string> names)
    {
        Directory.CreateDirectory(dir);
        using var client = new HttpClient(transport ?? new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(15) }) { Timeout = TimeSpan.FromMinutes(5) };
        foreach (var name in names)
        {
            FetchOne(client, dir, name, names);
        }
    }

    private static void FetchOne(HttpClient client, string dir, string name, IReadOnlyList<string> wanted)
    {
        List<string> reasons = [];
        foreach (var mirror in Mirrors)
        {
            var uri = new Uri($"{mirror}{name}.gz");
            try
            {
                var bytes = Get(client, uri);
                var sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes));
                if (sha256 == Known[name].Sha256)
                {
                    Store(IdxNames.Packed(dir, name), bytes);
                    return;
                }

                reasons.Add($"{uri} gave {bytes.Length} bytes with SHA-256 {sha256}");
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException)
            {
                reasons.Add($"{uri}: {e.Message}");
            }
        }

        var files = string.Join(", ", wanted.Select(w => $"{w}.gz ({Known[w].Bytes} bytes)"));
        throw new DataException($"{name}.gz, SHA-256 {Known[name].Sha256}, could not be fetched ({string.Join("; ", reasons)}). " +
            $"Without a network, put MNIST's {files} into {dir}, or set data.drawDigits: 10000 to draw a digits set instead.");
    }

    private static byte[] Get(HttpClient client, Uri uri)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, uri);
        using var response = client.Send(request).EnsureSuccessStatusCode();
        using var body = new MemoryStream();
        response.Content.ReadAsStream().CopyTo(body);
        return body.ToArray();
    }

    private static void Store(string path, byte[] bytes)
    {
        var partial = $"{path}.{Environment.ProcessId}.{Guid.NewGuid():N}.partial";
        File.WriteAllBytes(partial, bytes);
        File.Move(partial, path, overwrite: true);
    }
}
