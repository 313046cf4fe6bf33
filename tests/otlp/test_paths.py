"""Files behind a URL are read whole by DuckDB, up to a limit; local ones as they were when opened."""

import http.server
import importlib.util
import os
import threading
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

from indexer.errors import FileUnreadable, OtlpFileMissing, OtlpFileTooLarge, QueryRefused
from indexer.otlp import install
from indexer.otlp.files.paths import FileAccess
from tests.support.otlp_samples import FOLDER, samples

URL = "s3://bucket/traces.jsonl"
CONTENT = samples()["traces_simple.jsonl"]


class Remote:
    """A bucket with one file."""

    def names(self, pattern):
        return [URL]

    def size_bytes(self, url):
        return len(CONTENT)

    def content(self, url):
        return CONTENT


ACCESS = FileAccess(Remote())


def test_a_file_behind_a_url_is_read_whole():
    assert ACCESS.names(f'"{URL}"') == ACCESS.names('"s3://bucket/*"') == [URL]
    assert ACCESS.open(URL, len(CONTENT)).read(1 << 20) == CONTENT


def test_a_file_behind_a_url_beyond_the_limit_is_refused_before_it_is_read():
    with pytest.raises(OtlpFileTooLarge, match="has 1546 bytes, and a remote file is read whole"):
        ACCESS.open(URL, len(CONTENT) - 1)


def test_what_is_appended_after_opening_is_not_read(tmp_path):
    (tmp_path / "a").write_bytes(b"before")
    source = ACCESS.open(str(tmp_path / "a"), 0)
    with (tmp_path / "a").open("ab") as file:
        file.write(b"after")
    assert (source.read(100), source.read(100)) == (b"before", b"")
    source.close()


@pytest.mark.parametrize("asked", ["null", "[]", '""', "7", '["a", null]'])
def test_what_is_no_path_is_refused(asked):
    with pytest.raises(QueryRefused, match="invalid path"):
        ACCESS.names(asked)


def test_a_pipe_is_never_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileUnreadable, match="not a regular file"):
        ACCESS.names(f'"{tmp_path}/pipe"')


def test_a_file_that_vanishes_is_named(tmp_path):
    with pytest.raises(OtlpFileMissing, match="File not found"):
        ACCESS.open(f"{tmp_path}/gone", 0)


class Bucket(http.server.SimpleHTTPRequestHandler):
    """The sample files over HTTP, and as a bucket of S3 that lists them (ListObjectsV2)."""

    def __init__(self, *arguments):
        super().__init__(*arguments, directory=str(FOLDER))

    def translate_path(self, path):
        return super().translate_path(path.removeprefix("/bucket"))

    def do_GET(self):
        url = urlsplit(self.path)
        if "list-type=2" not in url.query:
            super().do_GET()
            return
        (prefix,) = parse_qs(url.query).get("prefix", [""])
        names = sorted(name for name in samples() if name.startswith(prefix))
        keys = "".join(
            f"<Contents><Key>{name}</Key><Size>{len(samples()[name])}</Size></Contents>"
            for name in names
        )
        said = f"<ListBucketResult><Name>bucket</Name>{keys}</ListBucketResult>".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    """The host and port of a server of the sample files."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bucket) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


@pytest.fixture
def remote():
    """A connection with the functions and DuckDB's extension for HTTP and S3, where it is."""
    found = importlib.util.find_spec("duckdb_extension_httpfs")
    if found is None or found.submodule_search_locations is None:
        pytest.skip("the extension httpfs is not installed")
    (folder,) = found.submodule_search_locations
    extension = f"{folder}/extensions/v{duckdb.__version__}/httpfs.duckdb_extension"
    if not os.path.exists(extension):
        pytest.skip("the extension httpfs is for another version of DuckDB")
    with duckdb.connect() as connection:
        connection.execute(f"LOAD '{extension}'")
        install(connection)
        yield connection


COUNT = "SELECT count(*), min(filename) FROM read_otlp_traces(?)"


def test_files_are_read_over_http(server, remote):
    url = f"http://{server}/traces_simple.binpb"
    assert remote.execute(COUNT, [url]).fetchone() == (3, url)
    with pytest.raises(duckdb.Error, match="404"):
        remote.execute(COUNT, [f"http://{server}/none"])
    with pytest.raises(duckdb.Error, match="a remote file is read whole, limit 9"):
        remote.execute("SELECT * FROM read_otlp_traces(?, max_file_bytes := 9)", [url])


def test_files_of_a_bucket_are_read_and_listed(server, remote):
    """With the endpoint and the keys of a secret of the connection, as DuckDB's own readers."""
    remote.execute(
        f"CREATE SECRET (TYPE s3, KEY_ID 'key', SECRET 'secret', ENDPOINT '{server}', "
        "USE_SSL false, URL_STYLE 'path', REGION 'us-east-1')"
    )
    url = "s3://bucket/traces_simple.jsonl"
    assert remote.execute(COUNT, [url]).fetchone() == (3, url)
    sql = "SELECT DISTINCT filename FROM read_otlp(?) ORDER BY 1"
    assert remote.execute(sql, ["s3://bucket/*_simple.binpb"]).fetchall() == [
        (f"s3://bucket/{signal}_simple.binpb",) for signal in ("logs", "metrics", "traces")
    ]
