# The pages and pictures, in a browser.

. "$here/subject.sh"

python=/usr/bin/python3 # where Debian's modules are

browser() {
    command -v chromedriver >/dev/null && "$python" -c 'import selenium' 2>/dev/null || skip 'no chromedriver, or no selenium'
    "$python" "$here/page.py" "$PWD/$1"
}

test_page_of_a_process() {
    start_subject 4
    expect 0 "$LOAM" map --html page.html "$pid"
    empty out
    browser page.html
}

test_page_of_a_process_without_the_heap() {
    start "$SUBJECT" 2
    expect 0 "$LOAM" map --html page.html "$pid"
    browser page.html
}

test_page_of_a_heap() {
    start_subject 4
    expect 0 "$LOAM" stats --html page.html "$pid"
    browser page.html
}

test_names_cannot_break_a_page() {
    cp "$SUBJECT" '<b>&"'
    start env LD_PRELOAD="$HEAP" bash -c 'exec -a "</script><b>" "./<b>&\""'
    expect 0 "$LOAM" map --html page.html --svg map.svg "$pid"
    "$python" -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse("map.svg")'
    browser page.html
}

test_page_on_stdout() {
    start_subject
    expect 0 "$LOAM" map --html - "$pid"
    says out '<!doctype html>'
    says out '</html>'
}

test_page_that_cannot_be_written() {
    start_subject
    expect 1 "$LOAM" map --html /nonexistent/page.html "$pid"
    says err 'cannot write /nonexistent/page.html'
    expect 1 "$LOAM" stats --html /dev/full "$pid"
    says err 'cannot write /dev/full'
}
