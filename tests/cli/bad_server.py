"""A hub and an archive that misbehave, on loopback, for fetch.sh:  bad_server.py MODEL_FOLDER ARCHIVE LOG

Prints its port.  Repositories own/NAME of MODEL_FOLDER's files, where NAME says what goes wrong; what was asked for is
written to LOG: method, path, whether a token came, the range."""
import hashlib, http.server, json, os, sys, threading

model, archive, log = sys.argv[1:4]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
BLOCK = 4000  # bytes after which a connection is cut
counts = {}


def content(name):
    with open(name, "rb") as file:
        return file.read()


def etag(data, name):
    if name.endswith(".safetensors"):  # as large files are kept
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def shards():
    data = content(os.path.join(model, "model.safetensors"))
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    names = sorted(header)
    files, where = {}, {}
    for k, part in enumerate((names[::2], names[1::2])):
        name, body, entries = f"model-{k + 1}.safetensors", b"", {}
        for n in part:
            first, last = header[n]["data_offsets"]
            entries[n] = dict(header[n], data_offsets=[len(body), len(body) + last - first])
            body += data[8 + length + first : 8 + length + last]
            where[n] = name
        head = json.dumps(entries).encode()
        files[name] = len(head).to_bytes(8, "little") + head + body
    return files, where


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def note(self):
        token = self.headers.get("Authorization", "-").replace(" ", "_")
        with open(log, "a") as file:
            print(self.command, self.headers["Host"].split(":")[0], self.path, token, self.headers.get("Range", "-"), file=file)

    def answer(self, status, headers=(), body=b"", cut=None):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(n == "Content-Length" for n, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.wfile.flush()
            self.close_connection = True

    def file(self, name):
        """The bytes of a repository's file, or None."""
        kind = self.path.split("/")[2]
        if kind in ("shards", "escape") and name.startswith("model"):
            files, where = shards()
            if kind == "escape":
                where = {n: "../" + f for n, f in where.items()}
            files["model.safetensors.index.json"] = json.dumps({"weight_map": where}).encode()
            return files.get(name)
        path = os.path.join(model, name)
        return content(path) if os.path.exists(path) else None

    def send(self, data, kind, headers=()):
        """A body with the fault that `kind` names, in the range that is asked for."""
        first = 0
        if "Range" in self.headers and kind != "norange":
            first = int(self.headers["Range"].split("=")[1].split("-")[0])
        n = counts[self.path] = counts.get(self.path, 0) + (self.command == "GET")
        headers = list(headers)
        if kind == "wrong":
            data = data[:-1] + bytes([data[-1] ^ 1])
        if kind == "flaky" and n <= 2:
            return self.answer(503)
        if kind == "short":  # less than was announced, and no more of it
            data = data[:-100]
        if kind == "long":
            data += b"more"
        if first >= len(data) and first > 0:
            return self.answer(416, [("Content-Range", f"bytes */{len(data)}")])
        status = 206 if first else 200
        if first:
            headers.append(("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}"))
        body = data[first:]
        headers.append(("Content-Length", str(len(body))))
        cut = None
        if kind == "cut" or (kind == "norange" and n == 1):
            cut = min(BLOCK, len(body))
        if kind == "dead":
            cut = 0
        self.answer(status, headers, body, cut)

    def pour(self, tag):
        self.close_connection = True
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{tag}"')
        self.end_headers()
        try:
            while self.command == "GET":
                self.wfile.write(b" " * (1 << 20))
        except OSError:
            pass

    def hub(self):
        _, _, kind, _, revision, name = self.path.split("/", 5)
        if kind == "nested":  # the model is in a folder of its repository
            if not name.startswith("inner/model/"):
                return self.answer(404)
            name = name.removeprefix("inner/model/")
        data = self.file(name)
        if kind == "private" and self.headers.get("Authorization") != "Bearer secret":
            return self.answer(401)
        if kind == "gone" or data is None or revision not in ("main", "v1", COMMIT):
            return self.answer(404)
        tag = etag(data, name)
        if kind == "badtag":
            tag = "../../../evil"
        if kind == "endless":  # of a length that it does not say
            return self.pour(tag)
        large = name.endswith(".safetensors")
        headers = [("X-Repo-Commit", COMMIT if kind != "nocommit" else "../evil"), ("ETag", f'"{tag}"')]
        if large:
            port = self.server.server_address[1]
            size = len(data) + (100 if kind == "liar" else 0)
            headers += [("X-Linked-Etag", f'"{tag}"'), ("X-Linked-Size", str(size))]
            target = "http://localhost:%d/cdn/%s/%s?signature=private" % (port, kind, name)
            if kind == "loop":
                target = self.path
            if kind == "file":
                target = "file:///etc/passwd"
            return self.answer(302, headers + [("Location", target)])
        self.send(data, "", headers)

    def cdn(self):
        _, _, kind, name = self.path.split("?")[0].split("/")
        path = self.path
        self.path = f"/own/{kind}/"
        data = self.file(name)
        self.path = path
        self.send(data, kind)

    def zenodo(self):
        data = content(archive)
        kind = self.path.split("/")[1]
        if "/api/" in self.path:
            md5 = hashlib.md5(data).hexdigest()
            entry = {"key": "Audio_Speech_Actors_01-24.zip", "size": len(data), "checksum": "md5:" + md5}
            if kind == "nomd5":
                entry.pop("checksum")
            return self.answer(200, [], json.dumps({"files": [entry]}).encode())
        self.send(data, kind)

    def do_GET(self):
        self.note()
        try:
            if self.path.startswith("/own/"):
                self.hub()
            elif self.path.startswith("/cdn/"):
                self.cdn()
            elif "/records/" in self.path:
                self.zenodo()
            else:
                self.answer(404)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_HEAD = do_GET


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
