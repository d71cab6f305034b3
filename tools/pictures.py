"""Take the pictures of docs/page.md, of a home such as that of the demo bank: python tools/pictures.py HOME.

A campaign is planned and delivered in that home where there is none.
"""

import io
import sys
import tempfile
import threading
import time
from pathlib import Path

import uvicorn
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from graphrec import Bank, DeliverCampaign, PlanCampaign, Recommend  # noqa: E402
from graphrec.service.access.limits import Limits  # noqa: E402
from graphrec.service.application import make_app  # noqa: E402
from graphrec.service.core import ServiceOptions  # noqa: E402
from graphrec.service.page.campaigns import SAMPLE  # noqa: E402
from tests.service.browser import browser  # noqa: E402

IMAGES = ROOT / "docs" / "images"
MOST = 150_000
"""Bytes of a picture."""


def main() -> None:
    """Serve the home, and write one picture a page."""
    bank = Bank.open(sys.argv[1])
    if not bank.campaigns():
        bank.plan_campaign(PlanCampaign(Path("spring.toml"), SAMPLE.replace("5000", "400"), record=False))
        with tempfile.TemporaryDirectory() as folder:
            bank.deliver_campaign(DeliverCampaign("spring", Path(folder) / "contacts"))
    user = bank.example_users()[0]
    product = bank.recommend(Recommend(user, 1, record=False)).answer.items[0].product
    server = uvicorn.Server(
        uvicorn.Config(make_app(bank, ServiceOptions(Limits(seconds=60), is_open=True)), port=0, log_level="warning")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    with browser() as opened:
        for name, path, width, height, scheme in (
            ("customer", f"/customers/{user}", 1280, 860, "light"),
            ("score", f"/customers/{user}/products/{product}", 1280, 1100, "light"),
            ("product", f"/products/{product}", 1280, 860, "light"),
            ("campaign", f"/campaigns/{bank.campaigns()[0].campaign}", 1280, 1100, "light"),
            ("phone", f"/customers/{user}", 390, 844, "dark"),
        ):
            page = opened.new_page(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
                locale="en",
            )
            page.goto(address + path, wait_until="networkidle")
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(96, dither=Image.Dither.NONE)
            file = IMAGES / f"page-{name}.png"
            picture.save(file, optimize=True)
            assert file.stat().st_size < MOST, f"{file} has {file.stat().st_size:,} bytes"
            print(file, f"{file.stat().st_size:,} bytes")
    server.should_exit = True
    thread.join(30)


if __name__ == "__main__":
    main()
