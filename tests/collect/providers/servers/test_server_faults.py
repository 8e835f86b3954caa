"""Every wrong set-up of a server is one message before anything is paid, with exit code 2."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.model import get_model
from json_server import JsonServer
from model_servers import VLLM_NO_MODEL, ModelServer

from overthink.collect.inspect_internals import run_coroutine
from overthink.collect.providers.attempts import CallError, Patience, with_patience
from overthink.collect.providers.chat_template import render_chat
from overthink.collect.providers.servers.description import describe, running_description
from overthink.collect.session.server_check import check_server, server_notes
from overthink.errors import ExitCode, InputError


@pytest.fixture(params=["vllm", "llama.cpp"])
def server(request: pytest.FixtureRequest) -> Iterator[ModelServer]:
    server = ModelServer(request.param)
    yield server
    server.close()


def checked(url: str, *, name: str = "org/smollm2", key: str = "k", provider: str = "openai-api-completions/s") -> Any:
    """The model after its check."""
    model = get_model(f"{provider}/{name}", base_url=url, api_key=key, memoize=False)
    check_server(model)
    return model


def refusal(url: str, **settings: str) -> str:
    with pytest.raises(InputError) as refused:
        checked(url, **settings)
    assert refused.value.exit_code == ExitCode.INPUT
    assert len(refused.value.lines) == 1
    return str(refused.value)


@pytest.mark.parametrize("end", ["/v1", "/v1/", "", "/"])
def test_an_address_is_right_with_v1_and_without(server: ModelServer, end: str) -> None:
    model = checked(server.root + end)
    assert str(model.api.client.base_url) == f"{server.root}/v1/"
    description = running_description(model)
    assert description is not None
    assert (description.context_tokens, description.address.name) == (2048, "org/smollm2")
    assert "continued by token ids" in server_notes([model])[0]


def test_a_late_provider_is_checked_at_its_address(server: ModelServer) -> None:
    if server.software == "vllm":
        model = checked(f"{server.root}/v1", provider="vllm-completions")
        assert running_description(model) is not None
        assert checked(f"{server.root}/v1", provider="vllm").api.base_url == f"{server.root}/v1"


def test_a_model_that_the_server_does_not_have_is_named_with_those_that_it_has(server: ModelServer) -> None:
    assert "no model 'smollm'. It has: org/smollm2" in refusal(f"{server.root}/v1", name="smollm")
    server.models["data"] += [dict(server.models["data"][0], id=f"m{i}", aliases=[]) for i in range(20)]
    message = refusal(f"{server.root}/v1", name="org/smollm3")
    assert "It has: org/smollm2, " in message
    assert "and 13 more" in message


def test_a_list_that_is_not_of_these_servers_may_lack_a_name() -> None:
    other = ModelServer("llama.cpp")
    other.models = {"data": [{"id": "another", "owned_by": "someone"}]}
    description = running_description(checked(f"{other.root}/v1"))
    other.close()
    assert description is not None
    assert (description.software, description.context_tokens) == ("", None)


def test_a_wrong_key_is_named_by_its_variable_and_never_shown(server: ModelServer) -> None:
    server.key = "sk-right"
    message = refusal(f"{server.root}/v1", key="sk-wrong")
    assert "The key of S_API_KEY was refused (status 401" in message
    assert "sk-wrong" not in message
    checked(f"{server.root}/v1", key="sk-right")


def test_a_model_without_a_chat_template_is_refused_in_the_servers_words() -> None:
    server = ModelServer("vllm")
    server.has_template = False
    message = refusal(f"{server.root}/v1")
    server.close()
    assert "you must provide a chat template" in message
    assert "--chat-template FILE" in message


@pytest.mark.parametrize("software", ["vllm", "llama.cpp"])
def test_a_template_that_loses_what_the_user_says_twice_is_refused(software: str) -> None:
    server = ModelServer(software)
    server.template_roles = {"system"}
    message = refusal(f"{server.root}/v1")
    server.close()
    assert "'|assistant|', which lacks ['Hello']. Needed: a template that writes every message" in message
    assert sum("messages" in body for _, body in server.asked) == (2 if software == "llama.cpp" else 4)


def test_an_unknown_model_is_no_missing_endpoint() -> None:
    class Unlisted(JsonServer):
        def respond(self, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> tuple[int, object]:
            return 404, VLLM_NO_MODEL if path == "/tokenize" else {"detail": "Not Found"}

    server = Unlisted()
    message = refusal(f"{server.root}/v1", name="nope")
    server.close()
    assert "The model `nope` does not exist. Valid aliases: org/smollm2." in message


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("provider", ["openai-api-completions/s", "vllm-completions", "vllm", "sglang"])
def test_a_port_at_which_nothing_listens(provider: str) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    message = refusal(url, provider=provider)
    assert f"_BASE_URL={url}: no server can be reached there" in message


def test_an_address_without_a_scheme() -> None:
    assert "it needs http:// or https://" in refusal("127.0.0.1:8000/v1")
    assert "it needs http:// or https://" in refusal("ftp://127.0.0.1/v1")


class Page(BaseHTTPRequestHandler):
    """A web page, or a redirect to another address."""

    def do_GET(self) -> None:
        moved = self.path.startswith("/moved")
        text = b"" if moved else b"<!doctype html><html><body>Open WebUI</body></html>"
        self.send_response(308 if moved else 200)
        self.send_header("Location", "https://elsewhere/v1")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Hosts and ports of a web page by HTTP and by HTTPS, whose certificate nobody trusts."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    _make_certificate(key, certificate)
    plain, secure = (ThreadingHTTPServer(("127.0.0.1", 0), Page) for _ in range(2))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    for http in (plain, secure):
        threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
    yield f"127.0.0.1:{plain.server_port}", f"127.0.0.1:{secure.server_port}"
    for http in (plain, secure):
        http.shutdown()
        http.server_close()


def _make_certificate(key: Path, certificate: Path) -> None:
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command = ["openssl", *new, *subject, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)


def test_a_web_page_and_a_redirect_are_no_server(pages: tuple[str, str]) -> None:
    assert "is a web page ('<!doctype html>" in refusal(f"http://{pages[0]}/v1")
    assert "sends to another address, 'https://elsewhere/v1'" in refusal(f"http://{pages[0]}/moved/v1")


def test_http_for_https_and_https_for_http(pages: tuple[str, str]) -> None:
    assert "speaks HTTPS there; write https:// in S_BASE_URL" in refusal(f"http://{pages[1]}/v1")
    assert "speaks HTTP there; write http:// in S_BASE_URL" in refusal(f"https://{pages[0]}/v1")
    assert "certificate is not trusted" in refusal(f"https://{pages[1]}/v1")


def test_a_server_that_fails_now_is_left_to_the_run() -> None:
    class Loading(JsonServer):
        def respond(self, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> tuple[int, object]:
            return 503, {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}

    server = Loading()
    model = checked(f"{server.root}/v1")
    server.close()
    assert running_description(model) is None
    assert server_notes([model]) == ()


def test_a_server_is_described_once(server: ModelServer) -> None:
    model = checked(f"{server.root}/v1")
    before = len(server.asked)
    assert run_coroutine(describe(model)) is running_description(model)
    assert len(server.asked) == before


@pytest.mark.parametrize("prompt", [["user: Hello"], {"text": "Hello"}, "Hello"], ids=str)
def test_a_rendered_chat_is_text(prompt: object) -> None:
    class Renders(JsonServer):
        def respond(self, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> tuple[int, object]:
            return 200, {"prompt": prompt}

    async def render() -> str:
        messages = [{"role": "user", "content": "Hello"}]
        with with_patience(Patience(tries=1)):
            return (await render_chat(server.root, key=None, model="m", messages=messages)).text

    server = Renders()
    try:
        if isinstance(prompt, str):
            assert run_coroutine(render()) == prompt
        else:
            with pytest.raises(CallError, match="needed: text"):
                run_coroutine(render())
    finally:
        server.close()
