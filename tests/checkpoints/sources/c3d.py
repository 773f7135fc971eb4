"""C3D as in DavideA/c3d-pytorch, jfzhang95/pytorch-video-recognition and the file
ucf101-caffe.pth, which the latter loads."""

from __future__ import annotations

from torch import Tensor, nn


def conv(c_in: int, c_out: int) -> nn.Conv3d:
    return nn.Conv3d(c_in, c_out, 3, padding=1)


class NamedC3D(nn.Module):
    """Keys conv1 ... fc8; 487 classes in c3d.pickle."""

    def __init__(self, num_classes: int = 487) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv(3, 64), conv(64, 128)
        self.conv3a, self.conv3b = conv(128, 256), conv(256, 256)
        self.conv4a, self.conv4b = conv(256, 512), conv(512, 512)
        self.conv5a, self.conv5b = conv(512, 512), conv(512, 512)
        self.pool1 = nn.MaxPool3d((1, 2, 2))
        self.pool = nn.MaxPool3d(2)
        self.pool5 = nn.MaxPool3d(2, padding=(0, 1, 1))
        self.fc6 = nn.Linear(8192, 4096)
        self.fc7 = nn.Linear(4096, 4096)
        self.fc8 = nn.Linear(4096, num_classes)

    def features(self, x: Tensor) -> Tensor:
        x = self.pool1(self.conv1(x).relu())
        x = self.pool(self.conv2(x).relu())
        x = self.pool(self.conv3b(self.conv3a(x).relu()).relu())
        x = self.pool(self.conv4b(self.conv4a(x).relu()).relu())
        x = self.pool5(self.conv5b(self.conv5a(x).relu()).relu())
        x = x.view(-1, 8192)
        return self.fc7(self.fc6(x).relu()).relu()

    def forward(self, x: Tensor) -> Tensor:
        return self.fc8(self.features(x))


class NumberedC3D(nn.Module):
    """Keys features.0 ... classifier.3, without a layer of classes."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        pool = nn.MaxPool3d((1, 2, 2))
        c_in = 3
        for c_out, depth in ((64, 1), (128, 1), (256, 2), (512, 2), (512, 2)):
            for _ in range(depth):
                layers += [conv(c_in, c_out), nn.ReLU()]
                c_in = c_out
            layers.append(pool)
            pool = nn.MaxPool3d(2)
        layers[-1] = nn.MaxPool3d(2, padding=(0, 1, 1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(8192, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))
