"""The work per image of both Python systems: fit into 800x600, draw a text, encode as JPEG."""

import os
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

ORIGINALS = Path(os.environ["FOLDER"]) / "originals"
RESULTS = Path(os.environ["FOLDER"]) / "results"

FONT = ImageFont.load_default(32)
TEXT = "image pipeline"


def process_image(job_id: str) -> None:
    with Image.open(ORIGINALS / job_id) as image:
        image.thumbnail((800, 600))
        image = ImageOps.exif_transpose(image).convert("RGB")
        text = Image.new("RGBA", image.size)
        ImageDraw.Draw(text).text(
            (image.width - 16, image.height - 16), TEXT, anchor="rs", font=FONT, fill=(255, 255, 255, 128)
        )
        image.paste(text, mask=text)
        # A reader sees the whole file or none.
        temporary = RESULTS / f".{job_id}"
        image.save(temporary, "JPEG", quality=80)
        temporary.rename(RESULTS / job_id)
