#!/usr/bin/env python3
"""Where the demonstration's Alertmanager sends its messages, instead of a mail server and Slack.

    sink.py --smtp PORT --http PORT --output FILE

Listens on loopback only and takes whatever comes. Each message becomes one line of JSON in FILE:

    {"at": seconds, "kind": "email", "from": ..., "to": [...], "subject": ..., "body": ...}
    {"at": seconds, "kind": "webhook", "path": ..., "json": {...}}
"""

import argparse
import email
import email.policy
import http.server
import json
import socketserver
import threading
import time

write_lock = threading.Lock()


def write(path, message):
    with write_lock, open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps({"at": round(time.time(), 3), **message}) + "\n")


def text_of(message):
    """The plain text of a mail; without one, the source of its HTML."""
    part = message.get_body(preferencelist=("plain", "html"))
    return part.get_content() if part is not None else ""


class Mail(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs that has one message to leave. No TLS and no AUTH are offered."""

    timeout = 30

    def reply(self, line):
        self.wfile.write((line + "\r\n").encode())

    def handle(self):
        sender, recipients = "", []
        self.reply("220 sink")
        while line := self.rfile.readline(4096).decode(errors="replace"):
            verb = line.strip().upper()
            if verb.startswith(("EHLO", "HELO")):
                self.reply("250 sink")
            elif verb.startswith("MAIL FROM:"):
                sender, recipients = self.address(line), []
                self.reply("250 ok")
            elif verb.startswith("RCPT TO:"):
                recipients.append(self.address(line))
                self.reply("250 ok")
            elif verb == "DATA":
                self.reply("354 go on")
                mail = email.message_from_bytes(self.data(), policy=email.policy.default)
                write(
                    self.server.output,
                    {
                        "kind": "email",
                        "from": sender,
                        "to": recipients,
                        "subject": str(mail["Subject"]),
                        "body": text_of(mail),
                    },
                )
                self.reply("250 taken")
            elif verb == "QUIT":
                self.reply("221 bye")
                return
            else:
                self.reply("250 ok" if verb.startswith(("RSET", "NOOP")) else "502 not here")

    @staticmethod
    def address(line):
        return line.split(":", 1)[1].strip().split(" ")[0].strip("<>")

    def data(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b".\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)


class Hook(http.server.BaseHTTPRequestHandler):
    timeout = 30

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            content = json.loads(body)
        except ValueError:
            content = body.decode(errors="replace")
        write(self.server.output, {"kind": "webhook", "path": self.path, "json": content})
        self.answer(b"ok")

    def do_GET(self):
        self.answer(b"sink\n")

    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class MailServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smtp", type=int, required=True)
    parser.add_argument("--http", type=int, required=True)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    open(arguments.output, "a", encoding="utf-8").close()
    mail = MailServer(("127.0.0.1", arguments.smtp), Mail)
    hook = http.server.ThreadingHTTPServer(("127.0.0.1", arguments.http), Hook)
    for server in (mail, hook):
        server.output = arguments.output
    threading.Thread(target=mail.serve_forever, daemon=True).start()
    hook.serve_forever()


if __name__ == "__main__":
    main()
