"""terminal.py WHAT COMMAND... - run COMMAND at a terminal of its own, and do WHAT there.

For the first five, COMMAND runs `listener heard`: the signal that the terminal sends must come to it exactly once.
`output` copies to stdout what COMMAND writes to its terminal.
"""
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
import time


def await_line(text):
    """Wait until the listener has heard `text`."""
    for _ in range(3000):
        if os.path.exists("heard") and text in open("heard").read():
            return
        time.sleep(0.01)
    sys.exit(f"the listener never heard: {text}")


def type_key(terminal, number):
    os.write(terminal, termios.tcgetattr(terminal)[6][number])


def resize(terminal):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))


ACTIONS = {
    "interrupt": (signal.SIGINT, lambda t: type_key(t, termios.VINTR)),
    "quit": (signal.SIGQUIT, lambda t: type_key(t, termios.VQUIT)),
    "stop": (signal.SIGTSTP, lambda t: type_key(t, termios.VSUSP)),
    "size": (signal.SIGWINCH, resize),
    "hangup": (signal.SIGHUP, os.close),
}


def read_all(terminal):
    try:
        while data := os.read(terminal, 4096):
            yield data
    except OSError:  # the other end is closed
        return


def signal_once(what, pid, terminal):
    number, act = ACTIONS[what]
    await_line("ready")
    act(terminal)
    await_line(f"signal {number} ")
    os.kill(pid, signal.SIGUSR2)  # comes after what loam may still have to pass on
    _, status = os.waitpid(pid, 0)
    heard = open("heard").read()
    if heard.count(f"signal {number} ") != 1 or os.waitstatus_to_exitcode(status) != 7:
        sys.exit(f"status {status}, heard:\n{heard}")


def main():
    what, command = sys.argv[1], sys.argv[2:]
    os.environ.setdefault("TERM", "xterm")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    if what == "output":
        sys.stdout.buffer.writelines(read_all(terminal))
        os.waitpid(pid, 0)
    else:
        signal_once(what, pid, terminal)


main()
