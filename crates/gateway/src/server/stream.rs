//! A connection that does not wait for ever for its client to read, or to send.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use hyper::rt::{self, Timer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::unconstrained;
use tokio::time::{Sleep, sleep};

/// Fails a write that has made no progress for a while: a client that sends and never reads would
/// otherwise keep its place for good.
pub struct Patient {
    stream: TcpStream,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    pub fn new(stream: TcpStream, patience: Duration) -> Self {
        Self { stream, patience, waiting: None }
    }

    /// Passes progress on, and measures how long there has been none.
    fn watch(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(patience)));
        match waiting.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// How long a connection waits for a head. It waits anew for each, thousands of times a second; so no timer is set
/// and taken back for each, but there is one, which goes on to the newest deadline when it has run out.
pub struct HeadTimer(Arc<Mutex<Kept>>);

/// The one timer, and whom it wakes.
struct Kept {
    sleep: Pin<Box<Sleep>>,
    waker: Waker,
}

impl HeadTimer {
    /// For a connection whose heads may each take so long.
    pub fn new(patience: Duration) -> Self {
        let waker = Waker::noop().clone();
        Self(Arc::new(Mutex::new(Kept { sleep: Box::pin(sleep(patience)), waker })))
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Until { deadline, timer: Arc::clone(&self.0) })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

/// A wait for one head: a connection has one at a time, and none ends earlier than those before it.
struct Until {
    deadline: Instant,
    timer: Arc<Mutex<Kept>>,
}

impl rt::Sleep for Until {}

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline.into();
        let mut timer = self.timer.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { sleep, waker } = &mut *timer;
        // Whoever it will wake need not ask it again.
        if waker.will_wake(cx.waker()) && !sleep.is_elapsed() {
            return Poll::Pending;
        }
        // A task that has had its turn would be told to come back, and not be woken when the time is over.
        let asked =
            |sleep: Pin<&mut Sleep>, cx: &mut Context<'_>| pin!(unconstrained(sleep)).poll(cx);
        if asked(sleep.as_mut(), cx).is_ready() {
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
            ready!(asked(sleep.as_mut(), cx));
        }
        waker.clone_from(cx.waker());
        Poll::Pending
    }
}
