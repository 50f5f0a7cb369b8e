# ruff: noqa: INP001 - a script, no package
"""Photograph pages of a running Pilothouse for the README: both themes, wide and narrow.

    PILOTHOUSE_ADMIN_EMAIL=… PILOTHOUSE_ADMIN_PASSWORD=… .venv/bin/python docs/screenshots.py [PATH …]

Signs in with that account and writes docs/images/<page>-<theme>-<width>.png. `--base` names another address.
"""

import argparse
import os
import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).parent / "images"
PAGES = ("/", "/flags", "/changes")
SIZES = {1440: 900, 390: 844}


def main() -> int:
    parser = argparse.ArgumentParser(description="Photograph pages of a running Pilothouse.")
    parser.add_argument("pages", nargs="*", default=PAGES, help="paths such as /t/shop/tables")
    parser.add_argument("--base", default="http://127.0.0.1:8000", help="address of the running Pilothouse")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pictures go")
    parser.add_argument("--theme", choices=("light", "dark"), action="append", help="only this theme")
    parser.add_argument("--width", type=int, choices=tuple(SIZES), action="append", help="only this width")
    asked = parser.parse_args()
    account = os.environ.get("PILOTHOUSE_ADMIN_EMAIL"), os.environ.get("PILOTHOUSE_ADMIN_PASSWORD")
    if not all(account):
        sys.stderr.write("PILOTHOUSE_ADMIN_EMAIL and PILOTHOUSE_ADMIN_PASSWORD name the account to sign in with.\n")
        return 2
    asked.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for theme in asked.theme or ("light", "dark"):
            for width in asked.width or SIZES:
                photograph(browser, asked, account, theme, width)
    return 0


def photograph(
    browser: Browser, asked: argparse.Namespace, account: tuple[str | None, str | None], theme: str, width: int
) -> None:
    context = browser.new_context(
        base_url=asked.base, viewport={"width": width, "height": SIZES[width]}, reduced_motion="reduce"
    )
    context.add_cookies([{"name": "theme", "value": theme, "url": asked.base}])
    page = context.new_page()
    page.goto("/login")
    page.fill("[name=email]", account[0] or "")
    page.fill("[name=password]", account[1] or "")
    page.press("[name=password]", "Enter")
    page.wait_for_selector("#nav", state="attached")
    for path in asked.pages:
        page.goto(path)
        name = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-") or "overview"
        page.screenshot(path=asked.folder / f"{name}-{theme}-{width}.png")
    context.close()


if __name__ == "__main__":
    sys.exit(main())
