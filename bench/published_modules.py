"""PyTorch modules of published networks, at their sizes."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Denoiser(nn.Module):
    """NSNet2 (Braun, Tashev 2020): a gain for each of 161 bins, every step."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Linear(161, 400)
        self.rnn = nn.GRU(400, 400, num_layers=2, batch_first=True)
        self.back = nn.ModuleList([nn.Linear(400, 600), nn.Linear(600, 600)])
        self.gains = nn.Linear(600, 161)

    def forward(self, x: Tensor) -> Tensor:
        y = self.rnn(torch.relu(self.front(x)))[0]
        for layer in self.back:
            y = torch.relu(layer(y))
        return torch.sigmoid(self.gains(y))


class Activity(nn.Module):
    """Activity recognition (Chevalier 2016): ReLU in front of two LSTMs of 32; 9 signals."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Linear(9, 32)
        self.rnn = nn.LSTM(32, 32, num_layers=2, batch_first=True)
        self.head = nn.Linear(32, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(torch.relu(self.front(x)))[0][:, -1])


class Autoencoder(nn.Module):
    """ECG autoencoder: 64 numbers for a beat, from which a decoder makes all of its steps."""

    def __init__(self) -> None:
        super().__init__()
        self.encoders = nn.ModuleList([nn.LSTM(1, 128, batch_first=True)])
        self.encoders.append(nn.LSTM(128, 64, batch_first=True))
        self.decoders = nn.ModuleList([nn.LSTM(64, 64, batch_first=True)])
        self.decoders.append(nn.LSTM(64, 128, batch_first=True))
        self.head = nn.Linear(128, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for encoder in self.encoders:
            y = encoder(y)[0]
        y = y[:, -1:].repeat(1, x.shape[1], 1)
        for decoder in self.decoders:
            y = decoder(y)[0]
        return self.head(y)
