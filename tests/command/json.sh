# The same as JSON: python3 is the reader.

# value EXPRESSION - print what it is in the document `file`, as `d`.
value() {
    command -v python3 >/dev/null || skip 'no python3'
    python3 -c "import json, sys
d = json.load(open('file', encoding='utf-8'))
print(($1))"
}

test_document() {
    expect 0 "$LOAM" run --json file true
    python3 -m json.tool file >/dev/null
    says err 'exited with status 0' # the text is printed, too
    expect 0 "$LOAM" run --quiet --json file true
    empty out
    empty err
    python3 -m json.tool file >/dev/null
}

test_document_to_stdout() {
    expect 0 "$LOAM" run -q --json - true
    mv out file
    value 'd["loam"]' >shown
    is shown "$VERSION"
}

test_run() {
    expect 3 "$LOAM" run -q --json file sh -c 'exit 3'
    value 'd["command"], d["exit_status"], d["signal"], d["records_ignored"]' >shown
    is shown "(['sh', '-c', 'exit 3'], 3, None, 0)"
    expect 143 "$LOAM" run -q --json file sh -c 'kill -TERM $$'
    value 'd["exit_status"], d["signal"], d["processes"]' >shown
    is shown '(None, 15, [])'
}

test_figures() {
    expect 0 "$LOAM" run -q --json file true
    value 'len(d["processes"]), d["processes"][0]["pid"] == d["pid"]' >shown
    is shown '(1, True)'
    value '{k: v for k, v in d["processes"][0].items() if k not in ("pid", "parent_pid", "classes")}' >shown
    is shown "{'program': 'fake', 'started': True, 'start_ns': 1000000000, 'end_ns': 3500000000, 'user_ns': 1250000000, 'system_ns': 12000000, 'resident_peak': 104857600, 'resident_exit': 63438848, 'faults_minor': 25600, 'faults_major': 3, 'allocations': 12347085, 'frees': 12343284, 'requested_bytes': 704512200, 'live_bytes_peak': 83886080, 'live_objects_at_peak': 1234567, 'live_bytes_exit': 4574528, 'live_objects_exit': 3801, 'committed_bytes': 100663296, 'dirty_bytes': 2097152, 'metadata_bytes': 307200, 'threads_peak': 4, 'exit_by_signal': 0}"
    value 'len(d["processes"][0]["classes"]), d["processes"][0]["classes"][1]' >shown
    is shown "(5, {'object_size': 64, 'slabs': 4, 'allocations': 12345678, 'requested_bytes': 700000000, 'live_objects': 3000, 'live_bytes': 192000, 'cached_objects': 64, 'free_objects': 1032, 'span_bytes': 262144})"
}

test_no_field_is_left_out() {
    expect 0 "$LOAM" run -q --json file true
    sed -n '/^struct summary/,/^}/s/^    [a-z0-9_]* \([a-z_]*\)[;[].*/\1/p' "$here/../../src/image/summary.h" |
        grep -vxE 'magic|size|class_count|object_size' | sort -u >fields
    value '"\n".join(sorted(set(d["processes"][0]) | set(d["processes"][0]["classes"][0])))' >shown
    [ "$(wc -l <fields)" -gt 20 ] || fail 'the fields are not found in summary.h'
    comm -23 fields shown >missing
    empty missing
}

test_processes() {
    script parent '#!/bin/bash' 'for i in 1 2 3; do FAKE_PEAK=$i FAKE_PROGRAM=child$i /bin/true; done' ':'
    FAKE_PROGRAM=parent expect 0 "$LOAM" run -q --json file ./parent
    value '[(p["program"], p["started"]) for p in d["processes"]]' >shown
    is shown "[('parent', True), ('child3', False), ('child2', False), ('child1', False)]"
}

test_largest_figures_are_exact() {
    FAKE_RECORD=huge expect 0 "$LOAM" run -q --json file true
    value 'd["processes"][0]["allocations"] == 2**64 - 1' >shown
    is shown True
}

test_strings_of_any_bytes() {
    FAKE_PROGRAM=$'q"b\\t\tn\nx\177' expect 0 "$LOAM" run -q --json file true
    value 'd["processes"][0]["program"] == "q\"b\\t\tn\nx\x7f"' >shown
    is shown True
    expect 0 "$LOAM" run -q --json file echo $'\303\244\342\202\254\360\237\230\200' # ä, euro, a smiling face
    value 'd["command"][1] == "\u00e4\u20ac\U0001f600"' >shown
    is shown True
    expect 0 "$LOAM" run -q --json file echo $'a\377b\303' $'\300\200' $'\355\240\200' $'\364\220\200\200' $'\340\200\200' $'\342\202'
    value '[s.replace("\ufffd", "?") for s in d["command"][1:]]' >shown
    is shown "['a?b?', '??', '???', '????', '???', '??']"
}
