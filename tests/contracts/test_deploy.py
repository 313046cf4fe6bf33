"""What the deployment files promise, as far as it can be held to without a container engine.

The image is laid out by hand from its own COPY lines, made read-only, and run by its own commands;
that it builds and runs in an engine is not shown here.
"""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys

import pytest
import yaml

from indexer.cli.main import command_parser
from indexer.clients.application import OPEN_PATHS
from indexer.errors import InvalidSettings
from indexer.run import ports
from indexer.settings import Settings, load_settings
from indexer.system.addresses import resolve
from indexer.telemetry import ingestion_metrics, metrics
from tests.support.processes import REPOSITORY, Site, wait_until
from tests.support.served import StubHost, serving
from tests.support.span_files import spans

DEPLOY = REPOSITORY / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
FILES = {path.name: path.read_text() for path in DEPLOY.iterdir() if path.is_file()}
KNOWN = {one.variable for one in Settings.fields.values()}
OURS = re.compile(r"\b(?:INDEXER|INGESTION|JUNJO)_[A-Z_]+\b")
OF_THE_COMPOSE_FILE = {"JUNJO_HOST_DB_DATA_PATH", "INDEXER_USER", "INGESTION_IMAGE"}
TOKEN = "0123456789abcdef"  # noqa: S105 - of a test
COMPOSE_UP = FILES["docker-compose.up.yml"]


def command(keyword):
    """The last command in JSON form behind a keyword of the Dockerfile."""
    return json.loads(re.findall(rf"^{keyword}\b.*?(\[.*\])$", DOCKERFILE, re.MULTILINE)[-1])


def copied():
    """(source, destination) of every COPY from the checkout."""
    found = re.findall(r"^COPY (?!--)(\S+) (\S+)$", DOCKERFILE, re.MULTILINE)
    assert found
    return found


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_setting_that_is_named_exists(name):
    assert set(OURS.findall(FILES[name])) <= KNOWN | OF_THE_COMPOSE_FILE


def test_what_is_copied_exists_and_is_not_ignored():
    allowed = {
        line[1:] for line in FILES["Dockerfile.dockerignore"].splitlines() if line[:1] == "!"
    }
    for source, _ in copied():
        assert (REPOSITORY / source).exists(), source
        assert source in allowed


def test_the_image_has_the_pinned_packages_of_the_program_and_those_of_its_own_traces():
    def pinned(name):
        text = (REPOSITORY / "requirements" / name).read_text()
        return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))

    image, run, dev = pinned("image.txt"), pinned("run.txt"), pinned("dev.txt")
    assert image.items() >= run.items()
    assert "opentelemetry-exporter-otlp-proto-http" in image.keys() - run.keys()
    assert image.items() <= dev.items(), "what runs in production is what was tested"


def test_the_image_has_the_byte_code_of_all_it_cannot_write():
    copies, compiled = DOCKERFILE.index("COPY indexer"), DOCKERFILE.index("compileall -q indexer")
    assert copies < compiled < DOCKERFILE.index("USER ")


def test_the_command_of_the_image_is_a_command_of_the_program():
    python, flag, module, *arguments = command("CMD")
    assert (python, flag, module) == ("python", "-m", "indexer")
    command_parser().parse_args(arguments)


@pytest.mark.parametrize("name", ["docker-compose.yml", "kubernetes.yaml"])
def test_the_same_paths_and_the_same_health_everywhere(name):
    for path in ("/app/.dbdata/spans", "/app/.dbdata/duckdb/index.duckdb"):
        assert path in DOCKERFILE
        assert path in FILES[name]
    assert "SPAN_STORAGE_PATH: /app" in FILES[name] or "name: SPAN_STORAGE_PATH" in FILES[name]


def test_the_probes_ask_routes_of_the_service_where_it_listens():
    """Liveness what needs nothing, readiness what can be relied on; neither carries a token."""
    port = Settings.http_listen.default_text.rpartition(":")[2]
    kubernetes = FILES["kubernetes.yaml"]
    found = re.findall(r"(liveness|readiness)Probe:\n\s+httpGet:\n\s+path: (\S+)", kubernetes)
    assert dict(found) == {"liveness": "/healthz", "readiness": "/readyz"}
    assert {path for _, path in found} == OPEN_PATHS
    assert f"containerPort: {port}" in kubernetes
    assert f"0.0.0.0:{port}" in kubernetes
    assert "INDEXER_HTTP_TOKEN" in kubernetes
    assert f"INDEXER_HTTP_LISTEN-127.0.0.1:{port}}}" in FILES["healthcheck.sh"]


def block(text, name):
    """The lines below ``name:``, as far as they are indented further."""
    (found,) = re.findall(rf"^( *){name}:.*\n((?:\1 +.*\n|\n)+)", text, re.MULTILINE)
    return found[1]


def environment(service):
    """Of a service of the compose file, with what it merges in and the defaults of its variables."""
    own = block(block(COMPOSE_UP, service), "environment")
    shared = [block(COMPOSE_UP, "x-storage")]  # all of them have it, some by way of another
    shared += [
        block(COMPOSE_UP, f"x-{name}") for name in ("receiving", "answering") if f"*{name}" in own
    ]
    pairs = re.findall(r"^ +([A-Z_]+): (.+)$", "".join([*shared, own]), re.MULTILINE)
    plain = {name: value.partition("  #")[0] for name, value in pairs}
    return {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value) for name, value in plain.items()}


NEEDED_TOKENS = {
    "up": "INDEXER_HTTP_TOKEN",
    "ingestion": "JUNJO_INTERNAL_GRPC_TOKEN",
    "worker": "INDEXER_HTTP_TOKEN",
}


def check_opening(service, given, monkeypatch):
    """Each port that others reach has its token or its consent; without the token nothing starts.

    None is opened: whoever runs this may have a worker running.
    """
    endpoints = {
        "up": ports.all_ports,
        "ingestion": ports.ingestion_ports,
        "worker": lambda settings: [ports.dashboards(settings)],
    }[service]

    def ports_of(settings):
        found = [resolve(one) for one in endpoints(settings)]
        assert len(found) == {"up": 5, "ingestion": 4, "worker": 1}[service]

    token = NEEDED_TOKENS[service]
    assert given[token] == ""
    with pytest.raises(InvalidSettings, match=f"{token} is not set"):
        ports_of(load_settings())
    monkeypatch.setenv(token, "0123456789abcdef")
    ports_of(load_settings())


@pytest.mark.parametrize(
    ("service", "arguments"), [("up", ["up"]), ("ingestion", ["ingest"]), ("worker", [])]
)
def test_each_service_that_receives_or_answers_is_a_command_with_valid_settings(
    service, arguments, monkeypatch
):
    (said,) = re.findall(r"^ +command: (\[.*\])$", block(COMPOSE_UP, service), re.MULTILINE)
    assert json.loads(said) == ["python", "-m", "indexer", *arguments]
    command_parser().parse_args(arguments)
    given = environment(service)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    check_opening(service, given, monkeypatch)
    below = "/app/.dbdata/"
    assert settings.storage_root == settings.ingestion_root == f"{below}spans"
    assert str(settings.catalog_pointer).startswith(f"{below}duckdb/")
    if arguments:
        assert str(settings.wal_path).startswith(f"{below}ingestion/")
        published = re.findall(r'"127.0.0.1:(\d+):\d+"', block(COMPOSE_UP, service))
        listens = [settings.otlp_grpc_listen, settings.otlp_http_listen, settings.http_listen]
        assert [f"0.0.0.0:{port}" for port in published] == listens[: len(published)]
    assert ("INDEXER_HTTP_TOKEN" in given) == (service != "ingestion")
    if service != "up":
        assert settings.ingestion_port == 50052
    if service == "worker":
        assert settings.ingestion_host == "ingestion"


def test_each_profile_has_one_writer_of_the_log():
    writers = {"up": ["up"], "apart": ["ingestion"]}
    for profile, expected in writers.items():
        found = [
            name
            for name in ("up", "ingestion", "worker")
            if f"profiles: [{profile}]" in block(COMPOSE_UP, name)
            and "INGESTION_WAL_PATH" in environment(name)
        ]
        assert found == expected


def test_the_ports_in_the_operator_notes_are_those_of_the_settings():
    table = dict(
        re.findall(r"^\| (\d+) \| .*`(\w+)` \| loopback", FILES["README.md"], re.MULTILINE)
    )
    fields = {one.variable: one.default_text for one in Settings.fields.values()}
    assert set(table) == {"4317", "4318", "50052", "8321", "8322"}
    for port, name in table.items():
        assert fields[name].rpartition(":")[2] == port


def copy(source, destination):
    destination.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, destination, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, destination)


def health_check(app):
    """The command of the image's health check, for an image that is laid out in a folder."""
    return [part.replace("/app", str(app)) for part in command("HEALTHCHECK")]


READY = {"problems": [], "swept_at": 1, "files_ready": 0, "files_waiting": 0, "storage_root": "/"}


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (READY, 0, '{"status":"ready"}'),
        ({**READY, "problems": ["the disk is full"]}, 1, '"detail": "the disk is full"'),
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "", "localhost"])  # noqa: S104 - asked
def test_the_health_check_asks_whether_answers_can_be_relied_on(host, status, code, said):
    """Wherever it listens, and without the token."""
    with serving(host=StubHost(**status), token=TOKEN) as served:
        done = checked(f"{host}:{served.address[1]}")
    assert (done.returncode, done.stderr) == (code, "")
    assert said in done.stdout
    assert checked(f"{host}:{served.address[1]}").returncode == 1, "nobody listens any more"


def test_the_health_check_of_a_worker_without_a_port_asks_over_the_socket(tmp_path):
    """Shown by the command that it becomes: a stand-in for Python says what it was asked."""
    stand_in = tmp_path / "python"
    stand_in.write_text('#!/bin/sh\necho "$@"')
    stand_in.chmod(0o755)
    assert checked("", PATH=f"{tmp_path}:{os.environ['PATH']}").stdout == (
        "-m indexer status --check\n"
    )


def checked(listen, **environ):
    """The health check as it ends for a worker with that address."""
    return subprocess.run(
        ["bash", DEPLOY / "healthcheck.sh"],
        env={**os.environ, "INDEXER_HTTP_LISTEN": listen, **environ},
        capture_output=True,
        text=True,
    )


@pytest.mark.process
def test_the_image_laid_out_by_hand_works_and_writes_nothing_beside_the_catalog(tmp_path):
    app = tmp_path / "app"
    for source, destination in copied():
        if not destination.startswith("/"):  # of the last stage, below its WORKDIR
            copy(REPOSITORY / source, app / destination)
    before = sorted(app.rglob("*"))
    for path in (*before, app):
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    site = Site(tmp_path / "data", PYTHONDONTWRITEBYTECODE=1)
    try:
        worker = site.start_command([sys.executable, *command("CMD")[1:]], cwd=app)
        health = health_check(app)
        site.wait_ready(worker)
        site.env["INDEXER_HTTP_LISTEN"] = site.status()["http"].removeprefix("http://")
        site.write("a.parquet", spans(3))
        wait_until(lambda: len(site.trace(1)) == 3, "the spans of the file")
        assert subprocess.run(health, cwd=app, env=site.env, capture_output=True).returncode == 0
        assert site.end(worker, signal.SIGTERM) == 0
        assert subprocess.run(health, cwd=app, env=site.env, capture_output=True).returncode == 1
        assert sorted(app.rglob("*")) == before
    finally:
        site.close()
        for folder, _, _ in os.walk(app):
            os.chmod(folder, 0o700)


TOP = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())


def test_the_compose_file_at_the_top_starts_up_with_settings_that_are_valid(monkeypatch):
    """After its folder and its token are made, and on ports of this machine's loopback alone."""
    prepare, service = TOP["services"]["prepare"], TOP["services"]["span-indexer"]
    assert service["depends_on"] == {"prepare": {"condition": "service_completed_successfully"}}
    script = service["command"][-1]
    assert script.endswith("exec python -m indexer up")
    assert "INDEXER_HTTP_TOKEN=$$(cat /app/.dbdata/token)" in script
    assert prepare["volumes"] == service["volumes"]
    assert f"chown {service['user']} . token" in prepare["command"][-1]
    for name, value in service["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value))
    monkeypatch.setenv("INDEXER_HTTP_TOKEN", TOKEN)
    listens = [resolve(one) for one in ports.all_ports(load_settings())]
    published = set(service["ports"])
    open_ports = {one.port for one in listens if not one.is_loopback}
    assert published == {f"127.0.0.1:{port}:{port}" for port in open_ports}


def test_the_script_that_prepares_the_folder_makes_one_token_and_keeps_it(tmp_path):
    script = TOP["services"]["prepare"]["command"][-1].replace("/app/.dbdata", str(tmp_path))
    script = re.sub(r"^chown .*$|-o 10001 -g 10001 ", "", script, flags=re.MULTILINE)
    script = script.replace("python -c", f"{sys.executable} -c")
    for _ in range(2):
        done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True)
        assert "with the token in ./.dbdata/token" in done.stdout
    token = tmp_path / "token"
    assert len(token.read_text().strip()) == 64
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert {one.name for one in tmp_path.iterdir()} == {"spans", "duckdb", "ingestion", "token"}


def test_the_pod_has_its_service_its_hot_tier_and_time_for_the_last_flush():
    service, pods = yaml.safe_load_all(FILES["kubernetes.yaml"])
    assert (service["kind"], pods["kind"]) == ("Service", "StatefulSet")
    spec = pods["spec"]["template"]["spec"]
    assert pods["spec"]["serviceName"] == service["metadata"]["name"]
    assert service["spec"]["selector"] == pods["spec"]["template"]["metadata"]["labels"]
    named = {one["name"] for box in spec["containers"] for one in box["ports"]}
    assert {one["targetPort"] for one in service["spec"]["ports"]} == named
    (indexer,) = (box for box in spec["containers"] if box["name"] == "indexer")
    given = {one["name"]: one.get("value") for one in indexer["env"]}
    assert given["INGESTION_GRPC_HOST"] == "127.0.0.1"
    assert spec["terminationGracePeriodSeconds"] >= 60
    assert spec["enableServiceLinks"] is False


def test_the_five_alerts_are_of_metrics_that_exist_and_say_what_to_do():
    known = {
        family.name + ("_total" if family.type == "counter" else "")
        for metric in (*metrics.DECLARED, *ingestion_metrics.DECLARED)
        for family in metric.describe()
    }
    (group,) = yaml.safe_load(FILES["alerts.yaml"])["groups"]
    assert len(group["rules"]) == 5
    for rule in group["rules"]:
        found = set(re.findall(r"span_(?:indexer|ingestion)_\w+", rule["expr"]))
        assert found, rule["alert"]
        assert found <= known
        assert rule["annotations"].keys() == {"summary", "action"}
