"""Servers that speak as models do, over the API of OpenAI (chat completions) or of Anthropic (messages),
streamed or whole as they are asked. What they say is a script: each request is given to the next
function of it, with the handler; the last one stays."""
import http.server
import json
import threading


class Server(http.server.ThreadingHTTPServer):
    """`requests` has (path, headers, body) of each request; `go` is for scripts that wait."""
    daemon_threads = True

    def __init__(self, *script, model="served-1"):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.model = list(script), model
        self.requests = []
        self.go = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def root(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def url(self):
        return f"{self.root}/v1"

    def end(self):
        self.go.set()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        script = self.server.script
        self.server.requests.append((self.path, self.headers, self.body))
        (script.pop(0) if len(script) > 1 else script[0])(self)

    def log_message(self, *args):
        pass

    def reply(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def event(self, kind=None, **members):
        name = f"event: {kind}\n" if kind else ""
        self.wfile.write(f"{name}data: {json.dumps(members)}\n\n".encode())
        self.wfile.flush()

    # ---- chat completions

    def chunk(self, **members):
        self.event(object="chat.completion.chunk", model=self.server.model,
                   **{"choices": [], **members})

    def piece(self, text, finish=None):
        self.chunk(choices=[{"index": 0, "delta": {"content": text}, "finish_reason": finish}])

    def end_stream(self):
        self.piece("", "stop")
        self.chunk(usage={"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8})
        self.wfile.write(b"data: [DONE]\n\n")


def says(*pieces):
    """The words of a chat completion, a chunk each when it is streamed."""
    def reply(handler):
        if not handler.body.get("stream"):
            handler.reply(200, {"model": handler.server.model, "choices": [
                {"message": {"role": "assistant", "content": "".join(pieces)},
                 "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}})
            return
        handler.begin_stream()
        for piece in pieces:
            handler.piece(piece)
        handler.end_stream()
    return reply


def fails(status, message, **members):
    """An error, in the shape that both APIs have."""
    return lambda handler: handler.reply(
        status, {"type": "error", "error": {"message": message, **members}})


def pong(handler):
    """A message of Anthropic's API: "pong", or as the tool that it is given {"n": 3}."""
    usage = {"input_tokens": 5, "output_tokens": 2}
    if not handler.body.get("stream"):
        handler.reply(200, {"model": handler.server.model, "stop_reason": "end_turn", "usage": usage,
                            "content": [{"type": "text", "text": "pong"}]})
        return
    tool = "tools" in handler.body

    def event(kind, **members):
        handler.event(kind, type=kind, **members)
    handler.begin_stream()
    event("message_start", message={"model": handler.server.model, "usage": {"input_tokens": 5}})
    event("content_block_start", index=0, content_block={"type": "tool_use" if tool else "text"})
    for text in ('{"n"', ": 3}") if tool else ("po", "ng"):
        event("ping")
        event("content_block_delta", index=0, delta=(
            {"type": "input_json_delta", "partial_json": text} if tool
            else {"type": "text_delta", "text": text}))
    event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 2})
    event("message_stop")
