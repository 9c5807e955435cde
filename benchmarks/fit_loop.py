"""The PyTorch loop of `utils.pytorch.fit` beside a plain index-batch loop."""

from __future__ import annotations

import numpy as np

from benchmarks._harness import Figure, compared, paired, spread

ROWS, COLUMNS, EPOCHS, BATCH = 10_000, 30, 5, 32


def measure() -> list[Figure]:
    """10k x 30, MLP 64, batch 32, Adam, 5 epochs; both evaluate the training rows each epoch."""
    import torch

    from aiqc.utils.pytorch import fit

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    features = torch.from_numpy(rng.normal(size=(ROWS, COLUMNS)).astype(np.float32))
    label = features @ torch.linspace(-1, 1, COLUMNS)[:, None] + 0.5
    losses: dict[str, float] = {}

    def model() -> torch.nn.Module:
        torch.manual_seed(0)
        hidden = torch.nn.Linear(COLUMNS, 64)
        return torch.nn.Sequential(hidden, torch.nn.ReLU(), torch.nn.Linear(64, 1))

    def ours() -> None:
        net = model()
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
        _, history = fit(
            net, torch.nn.MSELoss(), optimizer, features, label, epochs=EPOCHS, batch_size=BATCH
        )
        losses["ours"] = float(history["loss"][-1])

    def plain() -> None:
        net = model()
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
        loser = torch.nn.MSELoss()
        for _ in range(EPOCHS):
            net.train()
            for rows in torch.randperm(ROWS).split(BATCH):
                if len(rows) < BATCH:
                    continue
                optimizer.zero_grad()
                loss = loser(net(features[rows]), label[rows])
                loss.backward()
                optimizer.step()
            net.eval()
            with torch.no_grad():
                losses["plain"] = float(loser(net(features), label))

    own, floor = paired(ours, plain, repeats=9)
    assert abs(losses["ours"] - losses["plain"]) < 0.2 * max(losses.values()) + 0.05, losses
    return [
        *compared("utils.pytorch.fit / plain loop, 10k x 30", own, floor, at_most=1.15),
        spread("utils.pytorch.fit, 5 epochs", [one.wall for one in own], "s"),
    ]
