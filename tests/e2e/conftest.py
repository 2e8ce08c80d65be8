"""Fixtures: a folder for each test, servers that live as long as a module, gateways that end with their test."""
import pytest

from support.everything import everything_http
from support.gateway import Gateway
from support.imagegen import imagegen_http
from support.process import IMAGEGEN, TOOLGATE
from support.recorder import Recorder


def pytest_sessionstart(session):
    missing = [str(path) for path in (TOOLGATE, IMAGEGEN) if not path.is_file()]
    if missing:
        pytest.exit(f"not built: {', '.join(missing)}; run `make test-e2e`", returncode=3)


@pytest.fixture
def gateway(tmp_path):
    """Makes gateways; each is ended with the test, with its output shown if the test failed."""
    made = []

    def make(servers, policies=None, **more):
        folder = tmp_path / f"gateway{len(made)}"
        folder.mkdir()
        made.append(Gateway(folder, servers, policies, **more))
        return made[-1]

    yield make
    for one in made:
        # Tests that are about stopping stop; the others need not wait for it.
        one.end()
        if one.process:
            print(f"--- output of the gateway in {one.folder.name} ---\n{one.process.texts()[-3000:]}")


@pytest.fixture
def recorder():
    with Recorder() as server:
        yield server


@pytest.fixture(scope="session")
def everything(tmp_path_factory):
    """`server-everything` over Streamable HTTP, on loopback only."""
    yield from everything_http(tmp_path_factory.mktemp("everything"))


@pytest.fixture(scope="session")
def imagegen(tmp_path_factory):
    """`imagegen-mcp http` with its local provider."""
    yield from imagegen_http(tmp_path_factory.mktemp("imagegen"))
