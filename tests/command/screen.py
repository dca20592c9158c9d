"""screen.py STEP... -- COMMAND... - run COMMAND at a terminal of 40 lines of 130 columns, and do each STEP there.

=TEXT waits until the terminal has been sent TEXT since the last key; any other STEP is typed. Exits as COMMAND does.
"""
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

SEQUENCE = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78])")
split = sys.argv.index("--")
steps, command = sys.argv[1:split], sys.argv[split + 1:]

pid, terminal = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 130, 0, 0))
    os.execvp(command[0], command)

text = ""


def take(seconds):
    """Read what comes. False when the command has closed its terminal."""
    global text
    if not select.select([terminal], [], [], seconds)[0]:
        return True
    try:
        data = os.read(terminal, 65536)
    except OSError:
        return False
    text += data.decode(errors="replace")
    return bool(data)


def seen():
    return SEQUENCE.sub("", text)


for step in steps:
    if not step.startswith("="):
        text = ""
        os.write(terminal, step.encode().decode("unicode_escape").encode())
        continue
    end = time.monotonic() + 30
    while step[1:] not in seen():
        if time.monotonic() > end or not take(0.1):
            os.kill(pid, 9)
            sys.exit(f"the terminal never showed: {step[1:]}\n{seen()}")
while take(30):
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
