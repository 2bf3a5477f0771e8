"""An exponential moving average of weights, which often generalises better than the weights themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


class WeightAverage:
    """After every step, average = decay * average + (1 - decay) * weights, from the initial weights on.

    Parameters are averaged; buffers, such as the statistics of batch norms, are copied.

    Attributes:
        states: the average as state dictionaries by module name, on the modules' device.
    """

    def __init__(self, modules: Mapping[str, nn.Module], decay: float) -> None:
        """Start at the modules' present weights, on the device they are trained on; 0 < decay < 1."""
        self._modules, self._decay = modules, decay
        self.states = _copies(modules)

    def update(self) -> None:
        """Take in the weights after a step."""
        for name, module in self._modules.items():
            parameters = {key for key, _ in module.named_parameters(remove_duplicate=False)}
            for key, value in module.state_dict().items():
                average = self.states[name][key]
                if key in parameters:
                    average.lerp_(value, 1 - self._decay)  # leaves a frozen parameter as it is, to the last bit
                else:
                    average.copy_(value)

    def load(self, states: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Go on from the `states` of before."""
        for name, state in self.states.items():
            for key, average in state.items():
                average.copy_(states[name][key])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Have the modules hold the average, and afterwards their own weights again."""
        own = _copies(self._modules)
        _fill(self._modules, self.states)
        try:
            yield
        finally:
            _fill(self._modules, own)


def _copies(modules: Mapping[str, nn.Module]) -> dict[str, dict[str, Tensor]]:
    return {
        name: {key: value.detach().clone() for key, value in module.state_dict().items()}
        for name, module in modules.items()
    }


def _fill(modules: Mapping[str, nn.Module], states: Mapping[str, Mapping[str, Tensor]]) -> None:
    for name, module in modules.items():
        module.load_state_dict(states[name])
