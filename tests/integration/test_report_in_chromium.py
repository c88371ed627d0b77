"""The report in a real browser: nothing leaves the page, nothing is wider than it, it prints, and it darkens."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.analysis.report.everything import page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTHS = (1280, 390)
# A page of our own that holds the report at two widths, and writes down what the browser made of it.
MEASURING = """<!doctype html><body><pre id="out"></pre>{frames}<script>
onload = () => {{
  const of = frame => {{
    const page = frame.contentDocument, all = [...page.querySelectorAll("section, .banner, figure, table, .canary")];
    return [frame.width, page.documentElement.scrollWidth, page.scripts.length,
      frame.contentWindow.performance.getEntriesByType("resource").length, all.length,
      page.querySelector("h1").getBoundingClientRect().height > 0].join(" ");
  }};
  out.textContent = [...document.querySelectorAll("iframe")].map(of).join("; ");
}};
</script></body>"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report in both languages, with hostile text wherever it may stand."""
    made = tmp_path_factory.mktemp("chromium")
    for language in ("en", "zh"):
        (made / f"{language}.html").write_text(page(made / language, language), "utf-8")
    return made


def browse(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the browser without a window, a network or a profile of anybody's."""
    found = [path for name in BROWSERS if (path := shutil.which(name))]
    if not found:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    alone = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
    alone += ["--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND"]
    alone += [f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--virtual-time-budget=2000"]
    run = subprocess.run([found[0], *alone, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    assert not re.findall(r".*CONSOLE.*", run.stderr)  # neither an error nor a request that the policy refused
    return run


def test_it_asks_for_nothing_and_fits_its_width(folder: Path) -> None:
    frames = "".join(
        f'<iframe src="{language}.html" width="{width}" height="900"></iframe>'
        for language in ("en", "zh")
        for width in WIDTHS
    )
    (folder / "measuring.html").write_text(MEASURING.format(frames=frames), "utf-8")
    files = "--allow-file-access-from-files"
    told = browse(folder, files, "--window-size=1400,1000", "--dump-dom", (folder / "measuring.html").as_uri()).stdout
    found = re.search(r'<pre id="out">([^<]+)</pre>', told)
    assert found is not None, told[:2000]
    for measured in found[1].split("; "):
        width, needed, scripts, requests, parts, shown = measured.split()
        assert int(needed) <= int(width)
        assert (scripts, requests, shown) == ("0", "0", "true")
        assert int(parts) > 30


def test_it_prints(folder: Path) -> None:
    pdf = folder / "zh.pdf"
    browse(folder, "--no-pdf-header-footer", f"--print-to-pdf={pdf}", (folder / "zh.html").as_uri())
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))
    assert 5 <= pages <= 40


def test_it_is_light_or_dark_as_the_reader_likes(folder: Path) -> None:
    from matplotlib.image import imread

    brightness = []
    for scheme in (1, 0):
        picture = folder / f"scheme-{scheme}.png"
        wanted = f"--blink-settings=preferredColorScheme={scheme}"
        browse(folder, wanted, "--window-size=900,700", f"--screenshot={picture}", (folder / "en.html").as_uri())
        brightness.append(float(imread(picture)[..., :3].mean()))
    assert brightness[0] > 0.8
    assert brightness[1] < 0.3
