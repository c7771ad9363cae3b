//! The two listeners: accepting, limits, time-outs, and leaving in order.
//!
//! The loop is our own because hyper's head time-out needs a timer that ready-made servers do not
//! install, and because whatever reaches the router must be answered by the platform's rules. What
//! hyper itself refuses before that (a head over its limits, a request that is not HTTP) gets hyper's
//! own bare status.

mod batch;
mod faces;
mod oauth;
pub mod read;
mod respond;
mod stream;

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::server::respond::Body;
use crate::server::stream::{HeadTimer, Patient};
use crate::{Context, context, pipeline, web};

/// Most connections of operators at once. They have places of their own, so that clients cannot
/// lock them out.
pub const ADMIN_CONNECTIONS_MAX: usize = 64;
/// Most memory for request bodies at once, in KiB: 256 MiB. Further bodies wait to be read. Small ones are not
/// counted: the most connections bound them.
const BODIES_KIB_MAX: usize = 256 * 1024;
/// Pause after a failed accept (out of descriptors, say), so as not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// How often apps and sessions are checked for changes made by other processes: an app revoked on
/// the command line is out within this time.
const ACCESS_POLL: Duration = Duration::from_millis(250);
/// How often gateways tell each other how often apps have called.
const USAGE_POLL: Duration = Duration::from_secs(1);
/// How often calls are written to their journal, and what was counted of them to its minute: soon enough
/// for somebody who watches.
const CALLS_POLL: Duration = Duration::from_millis(250);
/// Most connections of a listener that are taken from the system when the order to stop comes: as many as it keeps in
/// line, which is one more than `mio` asks it to.
pub const LINE_MAX: usize = 129;
/// How long whatever a client has sent before the order to stop may take to be seen.
const SEEN_WITHIN: Duration = Duration::from_millis(10);
/// How long whoever was in line when the order came may take for a request's head: those who called have sent it.
const LAST_HEAD: Duration = Duration::from_secs(1);
/// For how long an answer about readiness is good: asking costs a commit, and anybody may ask.
const READY_HOLDS: Duration = Duration::from_secs(1);

/// How long the server waits for what.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From one answer, or the connection, to the last byte of the next request's head. It bounds a
    /// head that dribbles in and a connection that idles; the SDKs reconnect by themselves.
    pub head: Duration,
    /// For a whole body.
    pub body: Duration,
    /// For a client to read more of its answer.
    pub write: Duration,
    /// For accepted requests after the order to stop, and whoever was in line then: longer than a body may take.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let usual = Duration::from_secs(30);
        Self { head: usual, body: usual, write: usual, drain: Duration::from_secs(35) }
    }
}

/// A gateway that answers.
pub struct Running {
    /// Where TOP clients call.
    pub gateway: SocketAddr,
    /// Where operators look.
    pub admin: SocketAddr,
    /// Everything the requests share.
    pub context: Arc<Context>,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
    /// Told when the listeners have ended, and every call with them.
    end: watch::Sender<bool>,
    upkeep: Vec<JoinHandle<()>>,
}

/// Which of the two a connection came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listener {
    Gateway,
    Admin,
}

struct Shared {
    context: Arc<Context>,
    limits: Limits,
    draining: AtomicBool,
    /// The pages that everybody can see, and those of operators.
    public: axum::Router,
    operators: axum::Router,
    /// Room for bodies, in KiB.
    bodies: Arc<Semaphore>,
    /// When readiness was last looked at, and what was found.
    readiness: Mutex<Option<(Instant, bool)>>,
}

/// A connection's place among those served at once.
type Place = OwnedSemaphorePermit;

/// Starts both listeners.
///
/// # Errors
/// A port cannot be had.
pub async fn start(context: Arc<Context>, limits: Limits) -> anyhow::Result<Running> {
    let settings = &context.settings;
    let bind = async |host: IpAddr, port: u16| {
        let address = SocketAddr::new(host, port);
        TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
    };
    let usual_admin_port = if settings.port == 0 { 0 } else { 8081 };
    let gateway = bind(settings.host, settings.port).await?;
    let admin_port = settings.admin_port.unwrap_or(usual_admin_port);
    let admin = bind(settings.admin_host, admin_port).await?;
    let (gateway_address, admin_address) = (gateway.local_addr()?, admin.local_addr()?);
    let (stop, stopped) = watch::channel(false);
    let (end, ended) = watch::channel(false);
    let shared = Arc::new(Shared {
        context: Arc::clone(&context),
        limits,
        draining: AtomicBool::new(false),
        public: web::public(Arc::clone(&context)),
        operators: web::admin(Arc::clone(&context)),
        bodies: Arc::new(Semaphore::new(BODIES_KIB_MAX)),
        readiness: Mutex::new(None),
    });
    let accepting = |which, listener, most| {
        tokio::spawn(accept(which, listener, most, Arc::clone(&shared), stopped.clone()))
    };
    let listeners = vec![
        accepting(Listener::Gateway, gateway, settings.connections_max),
        accepting(Listener::Admin, admin, ADMIN_CONNECTIONS_MAX),
    ];
    let upkeep = vec![
        tokio::spawn(watch_access(Arc::clone(&context), ended.clone())),
        tokio::spawn(share_usage(Arc::clone(&context), ended.clone())),
        tokio::spawn(keep_calls(Arc::clone(&context), ended.clone())),
        tokio::spawn(watch_minutes(Arc::clone(&context), ended)),
    ];
    let (gateway, admin) = (gateway_address, admin_address);
    Ok(Running { gateway, admin, context, shared, stop, listeners, end, upkeep })
}

impl Running {
    /// Says that it is no longer ready, goes on for the grace period so that balancers notice, stops
    /// accepting, lets what was accepted and whoever is in line finish, and closes the store.
    pub async fn stop(self) {
        let Self { context, shared, stop, listeners, end, upkeep, .. } = self;
        shared.draining.store(true, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(context.settings.drain_grace_seconds)).await;
        // Calls go on for a while, and what is done for them all must.
        for (order, tasks) in [(stop, listeners), (end, upkeep)] {
            // Nobody listening any more means that everything has stopped.
            let _ = order.send(true);
            for task in tasks {
                if let Err(error) = task.await {
                    tracing::error!(%error, "a part of the server ended badly");
                }
            }
        }
        drop(shared);
        write_calls(&context).await;
        match Arc::try_unwrap(context) {
            Ok(context) => context.store.close().await,
            Err(_) => tracing::warn!("requests still running; the database closes with them"),
        }
    }
}

async fn watch_access(context: Arc<Context>, mut ended: watch::Receiver<bool>) {
    loop {
        if let Err(error) = context.access.refresh(&context.store).await {
            let error = chain(error);
            tracing::error!(error, "cannot check apps, sessions and keys for changes");
        }
        tokio::select! {
            () = tokio::time::sleep(ACCESS_POLL) => {}
            _ = ended.changed() => return,
        }
    }
}

/// Apart from the other: a write that hangs must not keep a withdrawn app in.
async fn share_usage(context: Arc<Context>, mut ended: watch::Receiver<bool>) {
    let mut is_last = false;
    while !is_last {
        tokio::select! {
            () = tokio::time::sleep(USAGE_POLL) => {}
            // Once more, so that a restart forgets nothing.
            _ = ended.changed() => is_last = true,
        }
        if let Err(error) = context.quotas.share(&context.store, context.clock.now()).await {
            let error = chain(error);
            tracing::error!(error, "cannot share quotas; each gateway counts alone meanwhile");
        }
    }
}

/// Apart from the writing of calls: what a slow database holds up must not end up in one minute.
async fn watch_minutes(context: Arc<Context>, mut ended: watch::Receiver<bool>) {
    loop {
        context.metrics.look(context.clock.now());
        tokio::select! {
            () = tokio::time::sleep(CALLS_POLL) => {}
            _ = ended.changed() => return,
        }
    }
}

async fn keep_calls(context: Arc<Context>, mut ended: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(CALLS_POLL) => {}
            // The last are written when all calls have ended.
            _ = ended.changed() => return,
        }
        write_calls(&context).await;
    }
}

async fn write_calls(context: &Context) {
    if let Err(error) = context.journal.write(&context.store).await {
        let error = chain(error);
        tracing::error!(error, "calls are missing in their journal");
    }
}

async fn accept(
    which: Listener,
    listener: TcpListener,
    most: usize,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(most));
    // Apart from the one that is waited with.
    let order = stopped.clone();
    let serve = |stream, address: SocketAddr, place| {
        let (shared, stopped) = (Arc::clone(&shared), order.clone());
        tokio::spawn(serve_connection(which, stream, address.ip(), place, shared, stopped));
    };
    loop {
        let accepted = tokio::select! {
            accepted = accept_one(&listener, &places) => accepted,
            _ = stopped.changed() => break,
        };
        let (stream, address, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        serve(stream, address, place);
    }
    let line = close(listener);
    let leave = async {
        for (stream, address) in line {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
            serve(stream, address, place);
        }
        // Every place back means that every connection and every call has ended.
        let all = u32::try_from(most).unwrap_or(u32::MAX);
        places.acquire_many(all).await.map(drop)
    };
    if tokio::time::timeout(shared.limits.drain, leave).await.is_err() {
        tracing::warn!("gave up waiting for open connections");
    }
}

/// Closes a listener; returns whoever was in line, whom closing alone would reset.
fn close(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let mut line = Vec::new();
    let taken: io::Result<()> = listener.into_std().and_then(|listener| {
        while line.len() < LINE_MAX {
            let (stream, address) = match listener.accept() {
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                accepted => accepted?,
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            line.push((TcpStream::from_std(stream)?, address));
        }
        Ok(())
    });
    if let Err(error) = taken
        && error.kind() != ErrorKind::WouldBlock
    {
        tracing::warn!(%error, taken = line.len(), "cannot accept all who are in line");
    }
    line
}

async fn accept_one(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> anyhow::Result<(TcpStream, SocketAddr, Place)> {
    let place = Arc::clone(places).acquire_owned().await?;
    let (stream, address) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, address, place))
}

async fn serve_connection(
    which: Listener,
    stream: TcpStream,
    address: IpAddr,
    place: Place,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let limits = shared.limits;
    // Whoever was in line when the order came has one request answered.
    let is_last = *stopped.borrow_and_update();
    let head = if is_last { limits.head.min(LAST_HEAD) } else { limits.head };
    let _counted = shared.context.metrics.connection(which == Listener::Admin);
    let service = service_fn(|request| route(which, request, address, &shared));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(HeadTimer::new(head))
        .header_read_timeout(head)
        // A client may close its side once it has sent all: it still reads.
        .half_close(true)
        .keep_alive(!is_last)
        // Head and body as one piece: answers are small, and one piece is cheaper to send.
        .writev(false)
        .serve_connection(TokioIo::new(Patient::new(stream, limits.write)), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        // The order to stop comes once, requests do all the time.
        biased;
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            // What was sent before the order may not have been seen yet.
            match tokio::time::timeout(SEEN_WITHIN, connection.as_mut()).await {
                Ok(ended) => ended,
                Err(_) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
    };
    if let Err(error) = ended {
        // Clients that go away in the middle are everyday life.
        tracing::debug!(%address, %error, "connection ended early");
    }
    drop(place);
}

/// Sends a request where its path says. An error closes the connection without an answer.
async fn route(
    which: Listener,
    request: Request<Incoming>,
    address: IpAddr,
    shared: &Shared,
) -> Result<Response<Body>, read::TooSlow> {
    // A tunnel is not a request for anything here, whatever its target is called.
    let path = if request.method() == Method::CONNECT { "" } else { request.uri().path() };
    match (which, path) {
        (Listener::Gateway, "/router/rest" | "/top/router/rest") => {
            return router(request, address, shared).await;
        }
        (Listener::Gateway, "/router/batch") => {
            return batch::route(request, address, shared).await;
        }
        (Listener::Gateway, path) if crate::oauth::PATHS.contains(&path) => {
            return oauth::route(request, address, shared).await;
        }
        (_, "/healthz") => return Ok(respond::text(StatusCode::OK, "ok\n")),
        (_, "/readyz") => return Ok(ready(shared).await),
        // A call that missed its path is told so in a line.
        (Listener::Gateway, path) if web::is_public(request.method(), path) => {
            return faces::route(shared.public.clone(), request, address, shared).await;
        }
        // A tunnel, or `*`: no page has such an address.
        (Listener::Admin, path) if path.starts_with('/') => {
            return faces::route(shared.operators.clone(), request, address, shared).await;
        }
        _ => {}
    }
    let request_id = context::request_id();
    tracing::info!(target: pipeline::ACCESS, request_id, %address, path = request.uri().path(), "no such path");
    let text = format!("no such path (request_id {request_id})\n");
    Ok(respond::text(StatusCode::NOT_FOUND, &text))
}

async fn router(
    request: Request<Incoming>,
    address: IpAddr,
    shared: &Shared,
) -> Result<Response<Body>, read::TooSlow> {
    let (head, body) = request.into_parts();
    let gzip = respond::accepts_gzip(&head.headers);
    let body = read::body(&head, body, shared).await?;
    let close = !matches!(body, read::Read::Whole { .. });
    let query = head.uri.query().unwrap_or_default().as_bytes();
    let read = read::Parameters::of(&head, query, &body);
    let call = pipeline::Call {
        verb: &head.method,
        params: read.params,
        signed_body: read.signed_body,
        address,
        format: read.format,
    };
    let answer = pipeline::serve(&shared.context, call).await;
    Ok(respond::answer(answer, gzip, close))
}

/// An error with everything beneath it, for the log.
fn chain(error: store::Error) -> String {
    format!("{:#}", anyhow::Error::from(error))
}

/// Ready means that a write really commits.
async fn ready(shared: &Shared) -> Response<Body> {
    if shared.draining.load(Ordering::SeqCst) {
        return respond::text(StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    let mut readiness = shared.readiness.lock().await;
    let known = readiness.filter(|(at, _)| at.elapsed() < READY_HOLDS);
    let is_ready = match known {
        Some((_, is_ready)) => is_ready,
        None => {
            let store = &shared.context.store;
            // One whose operator's key was withdrawn cannot read what is sealed from now on.
            let probed = async {
                store.probe().await?;
                store.take_up_keys().await
            };
            let probed = probed.await;
            let is_ready = probed.is_ok();
            if let Err(error) = probed {
                let error = chain(error);
                tracing::error!(error, "not ready");
            }
            *readiness = Some((Instant::now(), is_ready));
            is_ready
        }
    };
    if is_ready {
        respond::text(StatusCode::OK, "ready\n")
    } else {
        respond::text(StatusCode::SERVICE_UNAVAILABLE, "the database does not take writes\n")
    }
}
