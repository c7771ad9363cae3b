//! A PostgreSQL server of one's own: real, private, and gone with the process that started it.

#![allow(dead_code, reason = "not every test crate that shares this needs all of it")]

use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

const DEFAULT_PORT: u16 = 5432;
/// Room that all servers of a run together take up in memory, and as much again.
const ROOM_KIB: u64 = 2 * 1024 * 1024;
const MEMORY: &str = "/dev/shm";

/// Where servers live: in memory where there is room, because what other tests put on the disk at the same
/// time, packages and databases, has held a commit up for longer than a gateway waits.
fn home() -> PathBuf {
    let room = Command::new("df").args(["-k", "--output=avail", MEMORY]).output();
    let told = room.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let room = told.ok().and_then(|told| told.lines().nth(1)?.trim().parse::<u64>().ok());
    match room {
        Some(room) if room >= ROOM_KIB => MEMORY.into(),
        _ => std::env::temp_dir(),
    }
}

/// A running server. It stops when its standard input is closed, which the end of this process does.
pub struct Server {
    lifeline: Child,
    folder: PathBuf,
    port: u16,
    programs: PathBuf,
}

impl Server {
    /// Starts a server with these settings.
    pub fn start(settings: &[&str]) -> Self {
        Self::start_on(DEFAULT_PORT, settings)
    }

    /// The same on a port of its own, for one that is reached by more than its socket.
    pub fn start_on(port: u16, settings: &[&str]) -> Self {
        let folder = tempfile::tempdir_in(home()).unwrap().keep();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dev/postgres");
        let mut command = Command::new("bash");
        // An interrupt from the keyboard is for the test; the script follows it.
        command.process_group(0).env("PGPORT", port.to_string());
        command.arg(script).arg(&folder);
        command.args(settings.iter().flat_map(|setting| ["-c", setting]));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("bash is there");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let programs = line.trim().strip_prefix("ready ");
        let programs = programs.expect("PostgreSQL started; `bash dev/test` installs it").into();
        Self { lifeline: child, folder, port, programs }
    }

    /// What one of its databases answers to SQL.
    pub fn psql(&self, url: &str, sql: &str) -> Vec<u8> {
        let output = self.try_psql(url, sql);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn try_psql(&self, url: &str, sql: &str) -> Output {
        let mut command = Command::new(self.programs.join("psql"));
        command.args([url, "--no-psqlrc", "-At", "-c", sql]).output().unwrap()
    }

    /// From now on every commit waits for a standby that is not there. A server takes up its settings when
    /// it comes to it, so this waits until a commit really does.
    pub fn hold_commits(&self, url: &str) {
        const CUT: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                           WHERE wait_event = 'SyncRep' AND application_name = 'psql'";
        self.psql(url, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
        self.psql(url, "SELECT pg_reload_conf()");
        let is_held = || {
            std::thread::scope(|scope| {
                let sql = "CREATE TABLE IF NOT EXISTS held (); DROP TABLE held";
                let writing = scope.spawn(|| self.try_psql(url, sql));
                while !writing.is_finished() {
                    if self.psql(url, CUT) != b"0\n" {
                        return true;
                    }
                }
                false
            })
        };
        while !is_held() {}
    }

    /// From now on commits wait for nobody.
    pub fn let_commits_go(&self, url: &str) {
        self.psql(url, "ALTER SYSTEM RESET synchronous_standby_names");
        self.psql(url, "SELECT pg_reload_conf()");
    }

    /// The address of a new, empty database.
    pub fn database(&self) -> String {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("t{}", COUNT.fetch_add(1, Ordering::SeqCst));
        let mut command = Command::new(self.programs.join("createdb"));
        command.arg("-h").arg(&self.folder).args(["-p", &self.port.to_string()]);
        command.args(["-U", "tripwright", &name]);
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let (folder, port) = (self.folder.display(), self.port);
        format!("postgres:///{name}?user=tripwright&host={folder}&port={port}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.lifeline.stdin.take());
        let _ = self.lifeline.wait();
    }
}

/// A primary and two standbys.
pub struct Cluster {
    lifeline: Child,
    answers: BufReader<ChildStdout>,
    folder: PathBuf,
}

impl Cluster {
    /// Starts them. With `synchronous`, a commit is acknowledged when a standby has it, too.
    pub fn start(synchronous: bool) -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dev/postgres-cluster");
        let mut command = Command::new("bash");
        command.process_group(0);
        command.arg(script).arg(&folder).arg(if synchronous { "sync" } else { "async" });
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("bash is there");
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut cluster = Self { lifeline: child, answers, folder };
        let ready = cluster.answer();
        assert_eq!(ready, "ready", "PostgreSQL started; `bash dev/test` installs it");
        cluster
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// Has something done to it: `freeze`, `kill` or `promote`.
    pub fn tell(&mut self, word: &str) {
        writeln!(self.lifeline.stdin.as_mut().unwrap(), "{word}").unwrap();
        assert_eq!(self.answer(), "done", "{word}");
    }

    /// The address of all of them.
    pub fn address(&self) -> String {
        let host = |node: usize| format!("{}/{node}", self.folder.display());
        format!(
            "postgres:///postgres?user=tripwright&host={}&host={}&host={}",
            host(0),
            host(1),
            host(2)
        )
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.lifeline.stdin.take());
        let _ = self.lifeline.wait();
    }
}

/// Everything that stands in the tables of a database of [`database`], sealed documents as their text.
pub fn everything(url: &str) -> Vec<u8> {
    const SQL: &str = "SELECT owner, kind, id, version, convert_from(document, 'UTF8') FROM aggregate; \
        SELECT owner, kind, id, convert_from(text, 'UTF8') FROM body; \
        SELECT owner, id, what, actor, request_id, convert_from(facts, 'UTF8') FROM journal; \
        SELECT app_key, convert_from(document, 'UTF8') FROM app; \
        SELECT app_key, token_hash, convert_from(document, 'UTF8') FROM session; \
        SELECT at_ms, request_id, app_key, sub_code, result, convert_from(document, 'UTF8') FROM call; \
        SELECT * FROM lookup; SELECT * FROM person; SELECT * FROM fact";
    let everything = psql(url, SQL);
    assert!(everything.len() > 200);
    everything
}

/// What a database of [`database`] answers to SQL.
pub fn psql(url: &str, sql: &str) -> Vec<u8> {
    shared().psql(url, sql)
}

/// A new, empty database of a server that all tests of this process share. What they are about is not
/// the power supply, so that it does not wait for the disk.
pub fn database() -> String {
    shared().database()
}

fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let settings = ["fsync=off", "full_page_writes=off", "max_connections=300"];
    SERVER.get_or_init(|| Server::start(&settings))
}
