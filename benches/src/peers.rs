//! Others who do the same work: programs as somebody would write them by hand, from their registries.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::calls::Calls;
use crate::measure::first_answer;
use crate::process::{Server, free_address, run};
use crate::world::SECRET;

/// Where Debian keeps SQLite for Go.
const GO_SQLITE: &str = "/usr/share/gocode/src/github.com/mattn/go-sqlite3";
const WIREMOCK: [&str; 8] = [
    "-jar",
    "node_modules/wiremock/build/wiremock-standalone-3.13.2.jar",
    "--bind-address",
    "127.0.0.1",
    "--no-request-journal",
    "--disable-banner",
    "--use-chunked-encoding",
    "never",
];

/// A peer, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Express,
    FastApi,
    Go,
    WireMock,
}

/// What a peer does before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Nothing: whatever is asked, the answer is the same.
    Nothing,
    /// It checks the signature.
    Static,
    /// It closes the order durably, too.
    Durable,
}

impl Peer {
    pub const ALL: [Self; 4] = [Self::Express, Self::FastApi, Self::Go, Self::WireMock];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Express => "express",
            Self::FastApi => "fastapi",
            Self::Go => "go",
            Self::WireMock => "wiremock",
        }
    }

    /// What it was written to do.
    pub const fn works(self) -> &'static [Work] {
        match self {
            Self::Express | Self::FastApi | Self::Go => &[Work::Static, Work::Durable],
            Self::WireMock => &[Work::Nothing],
        }
    }

    /// What must be on the machine, which is not installed for it.
    pub const fn runs_on(self) -> &'static [&'static str] {
        match self {
            Self::Express => &["/usr/bin/node"],
            Self::FastApi => &["/usr/bin/python3"],
            Self::Go => &["/usr/bin/go", GO_SQLITE],
            Self::WireMock => &["/usr/bin/java"],
        }
    }

    /// Whether that is there.
    pub fn is_there(self) -> bool {
        self.runs_on().iter().all(|path| Path::new(path).exists())
    }

    /// Installs what it needs, once, below `home`.
    pub fn install(self, home: &Path) -> anyhow::Result<Installed> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(self.name());
        let folder = home.join("peers").join(self.name());
        std::fs::create_dir_all(&folder)?;
        let npm_install = || {
            let args = ["install", "--no-audit", "--no-fund"];
            run(Command::new("npm").args(args).current_dir(&folder))
        };
        match self {
            Self::Express => {
                for file in ["package.json", "server.js"] {
                    std::fs::copy(source.join(file), folder.join(file))?;
                }
                npm_install()?;
            }
            Self::Go => {
                // SQLite for Go is among Debian's packages, which keep sources here.
                let mut go = Command::new("go");
                go.args(["build", "-o"]).arg(folder.join("peer")).arg(source.join("main.go"));
                run(go.env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode"))?;
            }
            Self::WireMock => {
                std::fs::create_dir_all(folder.join("mappings"))?;
                std::fs::copy(source.join("package.json"), folder.join("package.json"))?;
                std::fs::copy(source.join("cancel.json"), folder.join("mappings/cancel.json"))?;
                npm_install()?;
            }
            Self::FastApi => {
                std::fs::copy(source.join("server.py"), folder.join("server.py"))?;
                run(Command::new("python3").args(["-m", "venv", "venv"]).current_dir(&folder))?;
                let requirements = source.join("requirements.txt");
                run(Command::new(folder.join("venv/bin/pip"))
                    .args(["install", "--quiet", "--requirement"])
                    .arg(requirements))?;
            }
        }
        Ok(Installed { peer: self, folder })
    }
}

/// A peer that can be started.
pub struct Installed {
    pub peer: Peer,
    folder: PathBuf,
}

impl Installed {
    /// Starts it with so many orders, and waits until it answers.
    pub fn start(&self, work: Work, orders: usize) -> anyhow::Result<Server> {
        for name in ["peer.db", "peer.db-wal", "peer.db-shm"] {
            // Of the run before, if there was one.
            let _ = std::fs::remove_file(self.folder.join(name));
        }
        let address = free_address()?;
        let (port, orders) = (address.port().to_string(), orders.to_string());
        let work = if work == Work::Durable { "durable" } else { "static" };
        let asked = [port.as_str(), work, SECRET, &orders];
        let mut command = match self.peer {
            Peer::Express => Command::new("node"),
            Peer::FastApi => Command::new(self.folder.join("venv/bin/python")),
            Peer::Go => Command::new(self.folder.join("peer")),
            Peer::WireMock => Command::new("java"),
        };
        match self.peer {
            Peer::Express => command.arg("server.js").args(asked),
            Peer::FastApi => command.arg("server.py").args(asked),
            Peer::Go => command.args(asked),
            // Without its journal of requests, which fills the memory and halves its rate.
            Peer::WireMock => command.args(WIREMOCK).args(["--port", &port]),
        };
        command.current_dir(&self.folder);
        let mut server = Server::start(&command, address)?;
        first_answer(&mut server, &Calls::anything(), Instant::now())?;
        Ok(server)
    }
}
