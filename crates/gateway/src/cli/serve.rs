//! `tripwright serve`

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::{Instead, open_store, print, sealing_key};
use crate::server::{self, Limits, Running};
use crate::settings::{LogFormat, Settings};
use crate::{Clock, Context, demo, pipeline};

/// Serves until told to stop.
pub async fn serve(mut settings: Settings) -> anyhow::Result<ExitCode> {
    start_log(&settings);
    settings.connections_max = within_descriptors(settings.connections_max);
    let production = settings.production;
    let instead = if production { Instead::Nothing } else { Instead::MadeKey };
    let key = sealing_key(&settings.data, instead)?;
    let store = open_store(&settings.data, &key, !production).await?;
    // A file that takes no writes is better known now than with the first order; what is in it can be read.
    // And once the store has seen one commit in the log's index, it keeps documents by it.
    if settings.data.database.is_none()
        && let Err(error) = store.probe().await
    {
        tracing::error!(%error, "the database takes no writes");
    }
    let clock = Clock::System;
    if production {
        let apps = store.apps().await?;
        if apps.iter().any(|app| demo::is_demo_app(app) && app.revoked_at.is_none()) {
            bail!(
                "this database has the demo app, whose secret everybody knows: \
                 `tripwright app revoke {}` first, or start with another folder",
                demo::APP_KEY
            );
        }
        if demo::lets_anybody_operate(&store).await? {
            bail!(
                "this database has the demo operator, whose password everybody knows: \
                 `tripwright account close {}` first, or start with another folder",
                demo::ACCOUNT
            );
        }
    } else {
        demo::load(&store, clock.now()).await?;
    }
    let context = Arc::new(Context::new(settings, clock, store));
    // From before anybody can know that it serves: a signal that nobody listens for ends the program at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = server::start(context, Limits::default()).await?;
    if production {
        tracing::info!(gateway = %running.gateway, admin = %running.admin, "serving");
    } else {
        introduce(&running).await?;
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping; a second signal stops at once");
    tokio::select! {
        () = running.stop() => Ok(ExitCode::SUCCESS),
        _ = terminate.recv() => Ok(ExitCode::FAILURE),
        _ = interrupt.recv() => Ok(ExitCode::FAILURE),
    }
}

/// As many connections as are wanted and as the system has descriptors for, after those that the
/// database, the operators, the log and whoever is in line when a stop comes need.
fn within_descriptors(wanted: usize) -> usize {
    const RESERVED: u64 = 64 + server::ADMIN_CONNECTIONS_MAX as u64 + 2 * server::LINE_MAX as u64;
    let available = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1024);
    let most = usize::try_from(available.saturating_sub(RESERVED)).unwrap_or(usize::MAX).max(1);
    if most < wanted {
        tracing::warn!(wanted, most, "the system gives too few descriptors: fewer connections");
    }
    wanted.min(most)
}

/// Says how to call the sandbox and where to look at it: a line for each thing, and a call.
async fn introduce(running: &Running) -> anyhow::Result<()> {
    let Running { gateway, admin, context, .. } = running;
    let url = format!("http://{gateway}/router/rest");
    print(&format!("url {url}"))?;
    print(&format!("docs http://{gateway}/docs"))?;
    print(&format!("admin http://{admin}"))?;
    let known = match demo::lets_anybody_operate(&context.store).await? {
        true => format!(" (name {0}, password {0})", demo::ACCOUNT),
        false => String::new(),
    };
    print(&format!("console http://{admin}/console{known}"))?;
    if !known.is_empty() {
        print(&format!("ops_token {}", demo::OPS_TOKEN))?;
    }
    if !demo::is_open(&context.store, context.clock.now()).await? {
        return print(
            "the demo app was changed or revoked: call as an app of your own (tripwright app list)",
        );
    }
    print(&format!("app_key {}", demo::APP_KEY))?;
    print(&format!("secret {}", demo::SECRET))?;
    print(&format!("session {}", demo::SESSION))?;
    print(&format!("sm4_key {}", demo::SM4_KEY))?;
    print(&curl(&url))
}

/// A call that works whenever it is pasted: the shell takes the time and signs.
fn curl(url: &str) -> String {
    const WRAPPER: &str = "param_btrip_flight_order_operate_common_rq";
    let (app_key, secret, session) = (demo::APP_KEY, demo::SECRET, demo::SESSION);
    let method = "alitrip.btrip.flight.distribution.change.detail";
    let wanted = r#"{"dis_order_id":"1234","sub_channel":"jianhang001","dis_sub_order_id":"1234"}"#;
    let signed = format!(
        "{secret}app_key{app_key}formatjsonmethod{method}{WRAPPER}{wanted}session{session}\
         sign_methodmd5timestamp%sv2.0{secret}"
    );
    format!(
        "curl -s {url} -d app_key={app_key} -d format=json -d method={method} \
         --data-urlencode '{WRAPPER}={wanted}' -d session={session} -d sign_method=md5 -d v=2.0 \
         -d \"$(t=$(date +%s000); printf 'timestamp=%s&sign=%s' $t \
         $(printf '{signed}' $t | md5sum | cut -c1-32 | tr a-f A-F))\""
    )
}

/// The log goes to standard error, so that what is printed for scripts stays by itself.
fn start_log(settings: &Settings) {
    let calls = settings.access_log.unwrap_or(!settings.production);
    let usual = format!("info,{}={}", pipeline::ACCESS, if calls { "info" } else { "off" });
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A second log in one process (a test's) is not worth failing for.
    let _ = match settings.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
