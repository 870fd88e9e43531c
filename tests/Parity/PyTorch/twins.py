"""The built-in models as a PyTorch user writes them. The names of the parameters are those of our checkpoints."""
# N: samples; T: tokens of a sample; C: channels (width); H: heads; D = C / H: channels of a head; V: vocabulary.
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class Attention(nn.Module):
    def __init__(self, width, heads, context, dropout):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.projection = nn.Linear(width, width)
        self.attention_dropout = nn.Dropout(dropout)
        self.residual_dropout = nn.Dropout(dropout)
        self.register_buffer("mask", torch.full((context, context), float("-inf")).triu(1), persistent=False)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = (part.view(n, t, self.heads, c // self.heads).transpose(1, 2) for part in self.qkv(x).split(c, dim=2))  # [N, H, T, D]
        scores = (q * (1 / math.sqrt(c // self.heads))) @ k.transpose(-2, -1)  # [N, H, T, T]
        shares = F.softmax(scores + self.mask[:t, :t], dim=-1)
        mixed = self.attention_dropout(shares) @ v  # [N, H, T, D]
        return self.residual_dropout(self.projection(mixed.transpose(1, 2).contiguous().view(n, t, c)))


class Block(nn.Module):
    def __init__(self, width, heads, context, dropout):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads, context, dropout)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.dropout(self.down(F.gelu(self.up(self.norm2(x)))))


class Gpt(nn.Module):
    def __init__(self, layers, heads, width, context, dropout=0.0, vocabulary=256, **_):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, context, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        x = self.dropout(self.tokens(x) + self.positions.weight[: x.shape[1]])  # [N, T, C]
        for block in self.blocks:
            x = block(x)
        return F.linear(self.norm(x), self.tokens.weight)  # [N, T, V], tied


class Cnn(nn.Module):
    def __init__(self, channels, kernel, hidden, batchNorm, dropout=0.0, input_shape=(1, 28, 28), classes=10, **_):
        super().__init__()
        inputs, height, width = input_shape
        self.convolutions = nn.ModuleList()
        self.norms = nn.ModuleList(nn.BatchNorm2d(c) for c in channels if batchNorm)
        for c in channels:
            self.convolutions.append(nn.Conv2d(inputs, c, kernel, padding=kernel // 2))
            inputs, height, width = c, height // 2, width // 2
        self.hidden = nn.Linear(inputs * height * width, hidden)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, classes)

    def forward(self, x):
        for i, convolution in enumerate(self.convolutions):
            x = convolution(x)
            x = F.max_pool2d(F.relu(self.norms[i](x) if len(self.norms) else x), 2)
        return self.output(self.dropout(F.relu(self.hidden(x.flatten(1)))))


class Mlp(nn.Module):
    def __init__(self, hidden, inputs, classes, dropout=0.0, **_):
        super().__init__()
        widths = [inputs, *hidden, classes]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        x = x.flatten(1)
        for layer in self.layers[:-1]:
            x = self.dropout(F.relu(layer(x)))
        return self.layers[-1](x)


def create(spec, weights):
    """A model out of a resolved job file's model section, with the weights that the worker gave it: they tell what the data decides, a perceptron's ends."""
    options = {key: value for key, value in spec.items() if key != "kind"}
    if spec["kind"] == "mlp":
        layers = [weights[f"layers.{place}.weight"] for place in sorted({int(name.split(".")[1]) for name in weights if name.startswith("layers.")})]
        options.update(inputs=layers[0].shape[1], classes=layers[-1].shape[0])
    model = {"gpt": Gpt, "cnn": Cnn, "mlp": Mlp}[spec["kind"]](**options)
    model.load_state_dict(weights)
    return model


def loss(model, inputs, targets):
    """Mean cross entropy over all targets, in nats."""
    logits = model(inputs)
    return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))
