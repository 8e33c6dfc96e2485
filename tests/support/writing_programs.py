"""Programs that write and read in all ways, by what they do."""

PROGRAMS = {
    "every way to write": """
import sys
print('one', 2, sep='-')
sys.stdout.write('two\\n')
sys.stdout.writelines(['three\\n', 'four\\n'])
sys.stdout.flush()
sys.stdout.buffer.write(b'five\\n')
sys.stdout.buffer.writelines([b'six\\n', b'seven\\n'])
sys.stdout.buffer.write(memoryview(b'eight\\n'))
sys.stdout.flush()
sys.stdout.buffer.raw.write(b'nine\\n')
print('ten', file=sys.stderr)
sys.stderr.buffer.write(b'eleven\\n')
sys.__stdout__.write('twelve\\n')
""",
    "buffers out of step": """
import os, sys
sys.stdout.write('text')
sys.stdout.buffer.write(b'binary ')
sys.stderr.write('error, no end')
os.write(1, b'descriptor ')
sys.stdout.flush()
sys.stdout.write('x' * 10000)
sys.stdout.buffer.write(b'y' * 10000)
""",
    "descriptors between": """
import os, subprocess, sys
for i in range(20):
    print('a', i, flush=True)
    os.write(1, b'b %d\\n' % i)
    print('c', i, flush=True)
    if i % 7 == 0: subprocess.run(['sh', '-c', 'echo child'])
    os.write(1, b'd' * 5000 * i)
    print('e', i, flush=True)
""",
    "C's own buffer": """
import ctypes
libc = ctypes.CDLL(None)
libc.printf(b'printed by C\\n')
libc.fflush(None)
libc.printf(b'left to exit')
""",
    "uncaught": """
import os, sys
print('before')
os.write(1, b'below')
def f(): raise ValueError('caf\\xe9')
f()
""",
    "exit": """
import os, sys
print('before'); os.write(2, b'below'); sys.exit('said at exit')
""",
    "tracebacks of the streams": """
import sys, traceback
sys.stdout.reconfigure(encoding='ascii')
def attempt(action):
    try: action()
    except Exception: traceback.print_exc()
attempt(lambda: print('\\u20ac'))
attempt(lambda: sys.stdout.write(5))
attempt(lambda: sys.stdout.buffer.write('text'))
attempt(lambda: sys.stdin.write('x'))
attempt(lambda: sys.stdin.read('x'))
attempt(lambda: next(sys.stdin))
attempt(input)
attempt(lambda: sys.stdin.buffer.readinto(b'immutable'))
sys.stdout.close()
attempt(lambda: print('x'))
attempt(lambda: sys.stdout.buffer.write(b'x'))
attempt(lambda: sys.stdout.flush())
""",
    "what a stream can be asked": """
import io, os, sys
for stream in (sys.stdin, sys.stdout, sys.stderr):
    for name in ('encoding', 'errors', 'newlines', 'line_buffering', 'write_through', 'mode',
            'name', 'closed', '__class__'):
        print(name, getattr(stream, name))
    for layer in (stream, stream.buffer, stream.buffer.raw):
        print(repr(layer), layer.isatty(), layer.fileno(), layer.readable(), layer.writable(),
            layer.closed, layer.name, layer.mode)
    print(isinstance(stream, io.TextIOWrapper), isinstance(stream, io.TextIOBase))
    print(isinstance(stream.buffer, io.BufferedIOBase), stream.buffer is stream.buffer)
    stream.mine = 5
    print(stream.mine, stream.seekable() and 'seekable', hasattr(stream, 'nothing'))
    del stream.mine
    print(hasattr(stream, 'mine'), len(dir(stream)))
print(sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__, sys.stdin is sys.__stdin__)
print(type(sys.stdout), type(sys.stderr), type(sys.stdout.buffer))
print(sys.stdout.write.__name__, sys.stdout.write('x'), sys.stdout.buffer.write(b'xyz'))
import inspect
print(input.__name__, input.__module__, inspect.signature(input))
with sys.stdin as stream: print(stream is sys.stdin)
print(sys.stdin.closed)
""",
    "reconfigured": """
import sys
sys.stdout.reconfigure(line_buffering=True, encoding='latin-1', errors='replace')
print('caf\\xe9 \\u20ac')
sys.stdout.reconfigure(write_through=True, newline='\\r\\n')
print('end')
""",
    "detached": """
import gc, io, sys
print('before')
sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-16-le', line_buffering=True)
print('after')
try: print('gone', file=sys.__stdout__)
except ValueError as error: print(error)
sys.stdin = io.TextIOWrapper(sys.stdin.detach(), encoding='latin-1')
print(sys.stdin.readline())
sys.stdout.detach().write(b'last')
gc.collect()
""",
    "replaced": """
import contextlib, io, sys
kept = sys.stdout
with contextlib.redirect_stdout(io.StringIO()) as text: print('hidden')
with contextlib.redirect_stdout(sys.stderr): print('to stderr')
sys.stdout = io.StringIO()
print('hidden')
print('kept', file=kept)
sys.stdout = kept
class Upper:
    def __init__(self, stream): self.stream = stream
    def write(self, text): return self.stream.write(text.upper())
    def __getattr__(self, name): return getattr(self.stream, name)
sys.stdout = Upper(sys.stdout)
print('upper')
sys.stdout = kept
write = sys.stdout.write
sys.stdout.write = lambda text: write('patched ' + text)
print('end')
sys.stdout.write = write
print('end')
sys.stdin = io.StringIO('of the program\\n')
print(input('? '))
sys.stdout = None
print('nowhere')
""",
    "logging": """
import logging, warnings
logging.basicConfig(level=logging.INFO)
logging.info('informed')
warnings.warn('warned')
""",
    "forked": """
import os, sys, warnings
warnings.simplefilter('error')
print('before', flush=True)
os.write(1, b'below\\n')
pid = os.fork()
if pid == 0:
    print('child')
    os.write(1, b'child below\\n')
    sys.exit(3)
print(os.waitpid(pid, 0)[1])
try: os.wait()
except ChildProcessError: print('no other child')
print('parent', flush=True)
os.write(1, b'parent below\\n')
""",
    "forked and left": """
import os
print('before', flush=True)
pid = os.fork()
if pid == 0:
    print('child', flush=True)
    os._exit(0)
os.waitpid(pid, 0)
""",
    "left without cleaning up": """
import os
print('flushed', flush=True)
os.write(1, b'x' * 300000)
print('not flushed')
os._exit(4)
""",
    "executed": """
import os, sys
print('before', flush=True)
os.write(1, b'below\\n')
os.execvp('sh', ['sh', '-c', 'echo another; echo program >&2; exit 5'])
""",
    "killed": """
import os, signal
print('before', flush=True)
os.write(1, b'y' * 300000)
os.kill(os.getpid(), signal.SIGKILL)
""",
    "outlived by a child": """
import subprocess
subprocess.Popen(['sh', '-c', 'sleep 0.7; echo late; echo and well'])
print('parent')
""",
    "descriptor taken": """
import os, sys
print('before', flush=True)
kept = os.dup(1)
other = os.open('other', os.O_RDWR | os.O_CREAT | os.O_TRUNC)
os.dup2(other, 1)
print('to the file', flush=True)
os.write(1, b'so does this\\n')
os.dup2(kept, 1)
print('back', flush=True)
os.write(1, b'back too\\n')
print(open('other').read())
sys.stdout.flush()
os.close(1)
try: print('x', flush=True)
except OSError as error: print(error, file=sys.stderr)
sys.stderr.flush()
os._exit(0)
""",
    "the GIL held": """
import ctypes
libc = ctypes.PyDLL(None)
print(libc.write(1, b'z' * 1000000, ctypes.c_size_t(1000000)) > 60000)
""",
    "threads and late output": """
import atexit, sys, threading
def work():
    for i in range(100): sys.stdout.write('thread\\n')
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(threading.enumerate() == [threading.main_thread()])
atexit.register(print, 'at exit')
class Late:
    def __del__(self): print('deleted late')
late = Late()
""",
}
"""To be run with and without; what they write must be the same to the byte."""
