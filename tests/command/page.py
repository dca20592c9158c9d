"""
page.py FILE [PICTURE] - try the page in a headless Chromium: point, zoom, search. Writes screenshots if PICTURE is given.

The page has its data as JSON: what it shows is compared with that.
"""
import json
import sys

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.by import By


def open_browser():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,1400"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options)


class Page:
    def __init__(self, browser, path):
        self.browser = browser
        browser.get(f"file://{path}")
        self.data = json.loads(self.find("#data").get_attribute("textContent"))

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def details(self, selector):
        """What stands in a list of names and values."""
        texts = [e.text for e in self.find(selector).find_elements(By.CSS_SELECTOR, "dt, dd")]
        return dict(zip(texts[::2], texts[1::2]))

    def rows(self, selector):
        return self.browser.execute_script(
            "return [...document.querySelectorAll(arguments[0] + ' tbody tr')].filter(r => !r.hidden)"
            ".map(r => [...r.cells].map(c => c.textContent))", selector)

    def point(self, selector, x, y):
        """At shares x and y of the element."""
        element = self.find(selector)
        size = element.size
        ActionChains(self.browser).move_to_element_with_offset(
            element, (x - 0.5) * (size["width"] - 2), (y - 0.5) * (size["height"] - 2)).perform()

    def wheel(self, selector, y, delta, times):
        element = self.find(selector)
        origin = ScrollOrigin.from_element(element, 0, int((y - 0.5) * element.size["height"]))
        for _ in range(times):
            ActionChains(self.browser).scroll_from_origin(origin, 0, delta).perform()

    def search(self, text):
        box = self.find("#search")
        self.browser.execute_script("arguments[0].value = ''; arguments[0].dispatchEvent(new Event('input'))", box)
        if text:
            box.send_keys(text)


def pointed_at(page, y):
    page.point("#picture", 0.5, y)
    return page.details("#segment")


def try_map(page):
    segments = page.data["map"]["segments"]
    assert page.find("#name").text == page.data["map"]["name"].replace("  ", " ").strip()
    assert len(page.rows("#segments")) == len(segments)

    by_start = {hex(s["start"]): s for s in segments}
    seen = set()
    for y in (0.02, 0.3, 0.5, 0.7, 0.98):
        shown = pointed_at(page, y)
        segment = by_start[shown["from"]]
        assert shown["to"] == hex(segment["end"]) and shown["kind"] == segment["kind"], shown
        seen.add(shown["from"])
    assert len(seen) > 1, seen
    assert pointed_at(page, 0.001)["from"] == hex(segments[-1]["start"])

    before = pointed_at(page, 0.5)
    page.wheel("#picture", 0.5, -100, 25)
    assert pointed_at(page, 0.5) == before
    assert pointed_at(page, 0.1) == before and pointed_at(page, 0.9) == before, "it did not zoom"
    page.find("#reset").click()
    assert pointed_at(page, 0.001)["from"] == hex(segments[-1]["start"]), "it is not whole again"

    page.search("stack")
    rows = page.rows("#segments")
    wanted = [s for s in segments if "stack" in s["kind"] + s["path"]]
    assert len(rows) == len(wanted) and all("stack" in row[6] + row[7] for row in rows), rows
    page.search(hex(segments[0]["start"] + 1))
    rows = page.rows("#segments")
    assert len(rows) == 1 and rows[0][0] == hex(segments[0]["start"]), rows
    assert page.details("#segment")["from"] == hex(segments[0]["start"])
    page.search("nothing is called so")
    assert page.rows("#segments") == []
    page.search("")
    assert len(page.rows("#segments")) == len(segments)

    page.browser.execute_script("document.querySelectorAll('#segments th')[1].click()")
    largest = max(segments, key=lambda s: s["end"] - s["start"])
    assert page.rows("#segments")[0][0] == hex(largest["start"]), "it is not sorted by size"


def try_heap(page):
    stats = page.data["stats"]
    classes = [c for c in stats["classes"] + [stats["large"]] if c["slabs"]]
    rows = page.rows("#classes")
    assert len(rows) == len(classes)
    assert [int(row[2].replace(",", "")) for row in rows] == [c["live"] for c in classes]
    assert len(page.rows("#threads")) == len(stats["by_thread"])
    page.browser.execute_script("document.getElementById('slices').scrollIntoView()")
    canvas = page.find("#slices")
    page.point("#slices", 4 / canvas.size["width"], 4 / canvas.size["height"])
    assert page.details("#slice")["from"] == hex(stats["ranges"][0]["base"]), page.details("#slice")


def main():
    browser = open_browser()
    try:
        page = Page(browser, sys.argv[1])
        if "map" in page.data:
            try_map(page)
        if "stats" in page.data:
            try_heap(page)
        messages = [m for m in browser.get_log("browser") if m["level"] in ("SEVERE", "WARNING")]
        assert not messages, messages
        if len(sys.argv) > 2:
            page = Page(browser, sys.argv[1])
            browser.save_screenshot(sys.argv[2])
    finally:
        browser.quit()


main()
