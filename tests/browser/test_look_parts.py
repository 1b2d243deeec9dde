"""What looking closely is made of, apart from any notebook: which pixels are kept, and how they are subtracted."""

from __future__ import annotations

import pytest

from tokenlab_nb.widgets._base import static_text

LIBS = ("base", "lookplace", "lookpixels")
STORE = """
const asked = [];
let most = 0, open = 0;
const drawn = hash => new Promise(go => {
  const canvas = h("canvas", { width: 8, height: 4 });
  canvas.getContext("2d").fillRect(0, 0, 8, 4);
  canvas.toBlob(blob => go({ url: URL.createObjectURL(blob), name: hash }));
});
const store = { thumbs: new Map(), listeners: new Set(), want() {}, original: async hash => {
  asked.push(hash);
  most = Math.max(most, ++open);
  const found = hash === "broken" ? Promise.reject(new Error("it is gone")) : drawn(hash);
  return found.finally(() => (open -= 1));
} };
const tile = (hash, width = 8, height = 4) => ({ hash, width, height });
const settled = async (pixels) => { do await new Promise(go => setTimeout(go)); while (pixels.loading.size); };
"""


@pytest.fixture
def run(browser):
    page = browser.new_page()

    def evaluate(body):
        # anywidget loads a script as a module, of which only what is exported is seen: here it is a function's body.
        text = "\n".join(static_text(f"lib/{name}", (), ".js") for name in LIBS)
        return page.evaluate(f"async () => {{ {text} {STORE} {body} }}")

    yield evaluate
    page.close()


def test_originals_are_loaded_two_at_a_time_and_the_oldest_unwanted_ones_are_closed(run):
    found = run("""
        const pixels = new LookPixels(store, () => {}, 3 * 8 * 4 * 4);
        pixels.open();
        pixels.want(["a", "b", "c"].map(each => tile(each)));
        await settled(pixels);
        const first = pixels.get("a").source;
        pixels.want(["b", "c", "d"].map(each => tile(each)));
        await settled(pixels);
        return [asked, most, first.width, [...pixels.full.keys()].sort(), pixels.get("b").full];""")
    assert found == [["a", "b", "c", "d"], 2, 0, ["b", "c", "d"], True]


def test_what_is_too_much_at_once_stays_a_preview_and_the_most_important_one_never_does(run):
    found = run("""
        const pixels = new LookPixels(store, () => {}, 1000);
        pixels.open();
        pixels.want([tile("base", 5000, 5000), tile("a"), tile("b", 100, 100)]);
        await settled(pixels);
        return [asked, [...pixels.left]];""")
    assert found == [["base"], ["a", "b"]]


def test_a_failure_is_kept_until_the_next_opening_and_closing_frees_everything(run):
    found = run("""
        const pixels = new LookPixels(store, () => {});
        pixels.open();
        pixels.want([tile("broken"), tile("a")]);
        await settled(pixels);
        pixels.want([tile("broken"), tile("a")]);
        await settled(pixels);
        const failed = pixels.failed.get("broken"), kept = pixels.get("a").source;
        pixels.close();
        const closed = [kept.width, pixels.full.size, store.listeners.size];
        pixels.open();
        pixels.want([tile("broken")]);
        await settled(pixels);
        return [failed, closed, asked];""")
    assert found == ["it is gone", [0, 0, 0], ["broken", "a", "broken"]]


@pytest.mark.parametrize(
    ("a", "b", "out"),
    [
        ([10, 200, 30, 255], [40, 100, 30, 255], [30, 100, 0, 255]),
        ([255, 0, 9, 0], [0, 255, 77, 0], [0, 0, 0, 255]),  # colours that nobody sees
        ([255, 255, 255, 0], [0, 0, 0, 255], [255, 255, 255, 255]),  # seen and unseen
        ([200, 100, 0, 128], [200, 100, 0, 128], [0, 0, 0, 255]),
    ],
)
def test_a_pixel_is_subtracted_as_it_is_seen(run, a, b, out):
    found = run(f"""
        const out = new Uint8ClampedArray(4);
        const facts = lookSubtract(new Uint8ClampedArray({a}), new Uint8ClampedArray({b}), out);
        return [[...out], facts];""")
    largest = max(out[:3])
    assert found == [out, {"differing": int(largest > 0), "largest": largest, "sum": largest}]


@pytest.mark.parametrize(
    ("base", "size", "pixels", "frame"),
    [
        ((100, 100), (100, 100), "", ""),
        ((100, 100), (50, 50), "not scaled, middle on middle", "scaled to 200 % to fit the base's 100 \u00d7 100"),
        ((1536, 1024), (768, 512), "not scaled", "scaled to 200 % to fit the base's 1536 \u00d7 1024"),
        (
            (1024, 1024),
            (1536, 1024),
            "not scaled",
            "scaled to 66.7 % to fit the base's 1024 \u00d7 1024, another shape",
        ),
        ((1024, 1024), (512, 1024), "not scaled", "not scaled: it fits the base's 1024 \u00d7 1024, another shape"),
    ],
)
def test_sizes_in_words(run, base, size, pixels, frame):
    sides = [f"{{ width: {width}, height: {height} }}" for width, height in (base, size)]
    by_pixels, by_frame = run(f"return [false, true].map(each => lookSizeWords({', '.join(sides)}, each));")
    assert pixels in by_pixels
    assert by_frame == frame
