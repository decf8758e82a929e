"""torch_clip.py: a CLIP in PyTorch and its training step, for programs that compare with Mien. The step is Mien's
(src/bench/program.c): both towers, symmetric InfoNCE, AdamW, the gradient's norm clipped to 1."""
import torch
import torch.nn.functional as F
from torch import nn

# image, patch, width of the image tower, of the text tower, vocabulary, context, layers, embedding
TINY = (32, 8, 64, 64, 512, 24, 2, 64)
SMALL = (64, 8, 192, 192, 49408, 77, 6, 192)
VIT_B32 = (224, 32, 768, 512, 49408, 77, 12, 512)


class Block(nn.Module):
    def __init__(self, width, heads, causal):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.out(a.transpose(1, 2).reshape(b, t, d))
        h = self.fc1(self.norm2(x))
        return x + self.fc2(h * torch.sigmoid(1.702 * h))


class Clip(nn.Module):
    def __init__(self, image, patch, vision, text, vocab, context, layers, embed):
        super().__init__()
        tokens = (image // patch) ** 2 + 1
        self.patches = nn.Conv2d(3, vision, patch, patch, bias=False)
        self.class_token = nn.Parameter(torch.randn(vision) * vision**-0.5)
        self.vision_pos = nn.Parameter(torch.randn(tokens, vision) * vision**-0.5)
        self.pre, self.post = nn.LayerNorm(vision), nn.LayerNorm(vision)
        self.vision = nn.Sequential(*[Block(vision, vision // 64, False) for _ in range(layers)])
        self.vision_out = nn.Linear(vision, embed, bias=False)
        self.table = nn.Embedding(vocab, text)
        self.text_pos = nn.Parameter(torch.randn(context, text) * 0.01)
        self.text = nn.Sequential(*[Block(text, text // 64, True) for _ in range(layers)])
        self.final = nn.LayerNorm(text)
        self.text_out = nn.Linear(text, embed, bias=False)
        self.scale = nn.Parameter(torch.tensor(2.6592))
        nn.init.normal_(self.table.weight, std=0.02)

    def images(self, pixels):
        x = self.patches(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.to(x.dtype).expand(len(x), 1, -1), x], 1) + self.vision_pos
        return F.normalize(self.vision_out(self.post(self.vision(self.pre(x))[:, 0])).float(), dim=-1)

    def texts(self, ids):
        y = self.text(self.table(ids) + self.text_pos)
        return F.normalize(self.text_out(self.final(y[:, -1])).float(), dim=-1)

    def forward(self, pixels, ids):
        u, v = self.images(pixels), self.texts(ids)
        with torch.autocast(u.device.type, enabled=False):
            scores = self.scale.exp() * u @ v.t()
            rows = torch.arange(len(u), device=u.device)
            return (F.cross_entropy(scores, rows) + F.cross_entropy(scores.t(), rows)) / 2


def training_step(device, dtype, size, batch):
    """A function that does one. bf16, f16: autocast, weights in f32; f16 with its loss scaled."""
    torch.manual_seed(1)
    model = Clip(*size).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.1)
    scaler = torch.amp.GradScaler(device, enabled=dtype == torch.float16)
    pixels = torch.randn(batch, 3, size[0], size[0], device=device)
    ids = torch.randint(0, size[4], (batch, size[5]), device=device)

    def run():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=dtype, enabled=dtype != torch.float32):
            loss = model(pixels, ids)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()

    return run
