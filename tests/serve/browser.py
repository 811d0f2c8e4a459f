"""A real browser for tests: headless Chromium, spoken to through a pipe in the Chrome DevTools Protocol.

Every page that is opened is held to three rules, which `Page.faults` names when they are broken: no error in the
console, no request to anywhere but the service, and no fault that axe-core finds (where it is there). Where the
environment variable SOUNDING_SCREENSHOTS names a folder, what was looked at is kept there.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MISSING = "there is no Chromium here"
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--hide-scrollbars", "--mute-audio"),
    "--remote-debugging-pipe",
)
PATIENCE = 30.0
"""Seconds until something is given up that should be there."""
DESK, PHONE = (1280, 900), (390, 844)
NO_AXE = "axe-core is not here, and pages are tried without it: pip install --no-deps axe-playwright-python"


def _axe() -> Path | None:
    """The file of axe-core, which lies in a package for another browser driver, of which nothing else is used."""
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).with_name("axe.min.js")


AXE = _axe()


class Browser:
    """A browser with a profile of its own in `folder`. Use as a context; `page` opens one page after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._events: list[dict[str, Any]] = []
        self._buffer = b""

    def __enter__(self) -> Browser:
        # The browser reads commands from file descriptor 3 and answers on 4, each message ended by a zero byte.
        commands, self._out = _pipe()
        self._in, answers = _pipe()
        words = " ".join(
            f"'{word}'" for word in (str(CHROMIUM), *FLAGS, f"--user-data-dir={self._folder}", "about:blank")
        )
        shell = f"exec {words} 3<&{commands} 4>&{answers} {commands}<&- {answers}>&-"
        self._process = subprocess.Popen(
            ["bash", "-c", shell], pass_fds=(commands, answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(commands)
        os.close(answers)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._out)
        os.close(self._in)

    def page(self, url: str, size: tuple[int, int] = DESK, dark: bool = False) -> Page:
        """The page at `url`, loaded, on a screen of that size."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        return Page(self, session, url, size, dark)

    def call(self, method: str, words: Mapping[str, Any] | None = None, session: str = "") -> dict[str, Any]:
        """What the browser answers to a command. Raises AssertionError for what it refuses."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": dict(words or {})}
        os.write(self._out, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            found = self._message()
            if found.get("id") == self._number:
                assert "error" not in found, (method, found["error"])
                return found["result"]
            self._events.append(found)

    def events(self, session: str) -> list[dict[str, Any]]:
        """What happened to a page so far."""
        return [event for event in self._events if event.get("sessionId") == session]

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._in, 1 << 20)
            assert data, "the browser has ended"
            self._buffer += data
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)


def _pipe() -> list[int]:
    """A pipe whose ends have numbers above those that the browser takes."""
    ends = [(end, fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10)) for end in os.pipe()]
    for low, _ in ends:
        os.close(low)
    return [high for _, high in ends]


class Page:
    """A page that a person could look at."""

    def __init__(self, browser: Browser, session: str, url: str, size: tuple[int, int], dark: bool) -> None:
        self._browser, self._session, self._home = browser, session, urlsplit(url).netloc
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")
        self.look(size, dark)
        self._call("Page.navigate", {"url": url})
        self.wait("document.readyState === 'complete'")

    def look(self, size: tuple[int, int] = DESK, dark: bool = False) -> None:
        """Look at it on a screen of another size, or in the other colours."""
        width, height = size
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._call("Emulation.setDeviceMetricsOverride", screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", {"features": [scheme]})

    def run(self, script: str) -> Any:
        """The value of an expression, awaited."""
        words = {"expression": script, "returnByValue": True, "awaitPromise": True, "userGesture": True}
        found = self._call("Runtime.evaluate", words)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, condition: str, seconds: float = PATIENCE) -> None:
        """Wait until an expression is true. Raises AssertionError where that does not happen."""
        until = time.monotonic() + seconds
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < until, (f"{condition} did not come", self.run("document.body.innerText"))
            time.sleep(0.05)

    def key(self, name: str, text: str = "") -> None:
        """Press a key: Tab, Enter, ArrowLeft, or one that types `text`."""
        code = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}.get(name, 0)
        text = {"Enter": "\r"}.get(name, text)
        words = {"key": name, "code": name, "windowsVirtualKeyCode": code}
        self._call("Input.dispatchKeyEvent", {"type": "keyDown", **words, **({"text": text} if text else {})})
        self._call("Input.dispatchKeyEvent", {"type": "keyUp", **words})

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self._call("Input.insertText", {"text": text})

    def attach(self, selector: str, file: Path, which: int = 0) -> None:
        """Choose a file in a control: of those that the selector means, the first or another."""
        root = self._call("DOM.getDocument")["root"]["nodeId"]
        nodes = self._call("DOM.querySelectorAll", {"nodeId": root, "selector": selector})["nodeIds"]
        self._call("DOM.setFileInputFiles", {"nodeId": nodes[which], "files": [str(file)]})

    def screenshot(self, name: str) -> None:
        """Keep the whole page as a picture of that name, where somebody wants pictures."""
        folder = os.environ.get("SOUNDING_SCREENSHOTS")
        if not folder:
            return
        taken = self._call("Page.captureScreenshot", {"captureBeyondViewport": True})
        Path(folder).mkdir(parents=True, exist_ok=True)
        Path(folder, f"{name}.png").write_bytes(base64.b64decode(taken["data"]))

    def faults(self, refusals: str = "") -> list[str]:
        """What no page may have: errors in the console, requests to elsewhere, and words wider than the screen.

        But for errors with `refusals` in them: a browser notes every answer of that status.
        """
        self.run("0")  # what happened until now has arrived
        found = []
        for event in self._browser.events(self._session):
            words = event.get("params", {})
            if event["method"] == "Network.requestWillBeSent":
                asked = urlsplit(words["request"]["url"])
                if asked.scheme not in ("data", "blob", "about") and asked.netloc != self._home:
                    found.append(f"asks {words['request']['url']}")
            elif event["method"] == "Log.entryAdded" and words["entry"]["level"] == "error":
                found.append(f"console: {words['entry']['text']} {words['entry'].get('url', '')}")
            elif event["method"] == "Runtime.exceptionThrown":
                found.append(f"script: {words['exceptionDetails']}")
            elif event["method"] == "Runtime.consoleAPICalled" and words["type"] == "error":
                found.append(f"console: {words['args']}")
        wide = self.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 1:
            found.append(f"is {wide} pixels wider than the screen")
        return [fault for fault in found if not refusals or refusals not in fault]

    def axe(self) -> list[str]:
        """The faults that axe-core finds in what is on the screen: contrast, names, roles, order. Needs AXE."""
        assert AXE is not None
        if not self.run("typeof axe === 'object'"):
            self._call("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
        found = self.run("axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations)")
        return [
            f"{fault['id']}: {fault['nodes'][0]['html'][:150]} {fault['nodes'][0]['failureSummary']}" for fault in found
        ]

    def close(self) -> None:
        """Leave it."""
        self._call("Page.close")

    def _call(self, method: str, words: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self._browser.call(method, words, self._session)
