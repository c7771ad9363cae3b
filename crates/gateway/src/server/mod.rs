//! The two listeners: accepting, limits, time-outs, and leaving in order.
//!
//! The loop is our own because hyper's head time-out needs a timer that ready-made servers do not
//! install, and because every answer on the router must be TOP's, the refused ones included.

mod read;
mod respond;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::server::respond::Body;
use crate::{Context, catalogue, context, pipeline};

/// From one answer, or the connection, to the last byte of the next request's head. It bounds a
/// head that dribbles in and a connection that idles; the official SDKs reconnect by themselves.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests that were accepted may go on after the order to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);
/// Pause after a failed accept (out of descriptors, say), so as not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often apps and sessions are checked for changes made by other processes: an app revoked on
/// the command line is out within this time.
const ACCESS_POLL: Duration = Duration::from_millis(250);

/// A gateway that answers.
pub struct Running {
    /// Where TOP clients call.
    pub gateway: SocketAddr,
    /// Where operators look.
    pub admin: SocketAddr,
    /// Everything the requests share.
    pub context: Arc<Context>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// Which of the two a connection came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listener {
    Gateway,
    Admin,
}

struct Shared {
    context: Arc<Context>,
    draining: AtomicBool,
}

/// Starts both listeners.
///
/// # Errors
/// A port cannot be had.
pub async fn start(context: Arc<Context>) -> anyhow::Result<Running> {
    let settings = &context.settings;
    let bind = async |port: u16| {
        let address = SocketAddr::new(settings.host, port);
        TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
    };
    let usual_admin_port = if settings.port == 0 { 0 } else { 8081 };
    let gateway = bind(settings.port).await?;
    let admin = bind(settings.admin_port.unwrap_or(usual_admin_port)).await?;
    let (stop, stopped) = watch::channel(false);
    let shared =
        Arc::new(Shared { context: Arc::clone(&context), draining: AtomicBool::new(false) });
    let (gateway_address, admin_address) = (gateway.local_addr()?, admin.local_addr()?);
    let tasks = vec![
        tokio::spawn(accept(Listener::Gateway, gateway, Arc::clone(&shared), stopped.clone())),
        tokio::spawn(accept(Listener::Admin, admin, Arc::clone(&shared), stopped.clone())),
        tokio::spawn(watch_access(Arc::clone(&context), stopped)),
    ];
    Ok(Running { gateway: gateway_address, admin: admin_address, context, stop, tasks })
}

impl Running {
    /// Stops accepting, lets what was accepted finish, and closes the store.
    pub async fn stop(self) {
        let Self { context, stop, tasks, .. } = self;
        // Nobody listening any more means that everything has stopped.
        let _ = stop.send(true);
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a listener ended badly");
            }
        }
        match Arc::try_unwrap(context) {
            Ok(context) => context.store.close().await,
            Err(_) => tracing::warn!("requests still running; the database closes with them"),
        }
    }
}

async fn watch_access(context: Arc<Context>, mut stopped: watch::Receiver<bool>) {
    loop {
        if let Err(error) = context.access.refresh(&context.store).await {
            tracing::error!(%error, "cannot check apps and sessions for changes");
        }
        tokio::select! {
            () = tokio::time::sleep(ACCESS_POLL) => {}
            _ = stopped.changed() => return,
        }
    }
}

async fn accept(
    which: Listener,
    listener: TcpListener,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let most = shared.context.settings.connections_max;
    let places = Arc::new(Semaphore::new(most));
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
        let (shared, stopped) = (Arc::clone(&shared), stopped.clone());
        tokio::spawn(async move {
            serve_connection(which, stream, address.ip(), shared, stopped).await;
            drop(place);
        });
    }
    shared.draining.store(true, Ordering::SeqCst);
    drop(listener);
    // Every place back means that every connection has ended.
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    if tokio::time::timeout(DRAIN_TIMEOUT, places.acquire_many(all)).await.is_err() {
        tracing::warn!("gave up waiting for open connections");
    }
}

async fn accept_one(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> anyhow::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await?;
    let (stream, address) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, address, place))
}

async fn serve_connection(
    which: Listener,
    stream: TcpStream,
    address: IpAddr,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { route(which, request, address, &shared).await }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Clients that go away in the middle are everyday life.
        tracing::debug!(%address, %error, "connection ended early");
    }
}

/// Sends a request where its path says. An error closes the connection without an answer.
async fn route(
    which: Listener,
    request: Request<Incoming>,
    address: IpAddr,
    shared: &Shared,
) -> Result<Response<Body>, read::TooSlow> {
    let cx = &shared.context;
    match (which, request.uri().path()) {
        (Listener::Gateway, "/router/rest" | "/top/router/rest") => {
            return router(cx, request, address).await;
        }
        (Listener::Gateway, "/docs") => {
            return Ok(respond::json(StatusCode::OK, &catalogue::as_json()));
        }
        (_, "/healthz") => return Ok(respond::text(StatusCode::OK, "ok\n")),
        (_, "/readyz") => return Ok(ready(shared).await),
        _ => {}
    }
    let request_id = context::request_id();
    tracing::info!(request_id, %address, path = request.uri().path(), "no such path");
    let text = format!("no such path (request_id {request_id})\n");
    Ok(respond::text(StatusCode::NOT_FOUND, &text))
}

async fn router(
    cx: &Context,
    request: Request<Incoming>,
    address: IpAddr,
) -> Result<Response<Body>, read::TooSlow> {
    let (head, body) = request.into_parts();
    let body = read::body(&head, body, cx.settings.body_bytes_max).await?;
    let query = head.uri.query().unwrap_or_default().as_bytes();
    let read = read::Parameters::of(&head, query, &body);
    let call = pipeline::Call {
        verb: &head.method,
        params: read.params,
        signed_body: read.signed_body,
        address,
        fallback_format: read.fallback_format,
    };
    let answer = pipeline::serve(cx, call).await;
    let close = matches!(body, read::Read::TooLarge);
    Ok(respond::answer(answer, respond::accepts_gzip(&head.headers), close))
}

/// Ready means that a write really commits.
async fn ready(shared: &Shared) -> Response<Body> {
    if shared.draining.load(Ordering::SeqCst) {
        return respond::text(StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    match shared.context.store.probe().await {
        Ok(()) => respond::text(StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::error!(%error, "not ready");
            respond::text(StatusCode::SERVICE_UNAVAILABLE, "the database does not take writes\n")
        }
    }
}
