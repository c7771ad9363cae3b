//! Orders to measure with, brought in by the program's own commands.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::calls::{Calls, Form};
use crate::measure::first_answer;
use crate::process::{Server, free_address, run};

/// The app that calls.
pub const APP: &str = "bench";
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub const SM4_KEY: &str = "0123456789abcdeffedcba9876543210";
/// Orders in one file of an import.
const FILE_ORDERS: usize = 10_000;

/// How many orders of each family.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sizes {
    /// Flight orders that can be cancelled.
    pub payable: usize,
    /// Flight orders with a change that was done.
    pub changed: usize,
    pub rentals: usize,
    pub receipts: usize,
    /// Rail orders of one passenger, who wants the money back.
    pub trains: usize,
}

/// A database with an app of ours, and where the program is.
#[derive(Debug, Clone)]
pub struct World {
    pub program: PathBuf,
    pub folder: PathBuf,
    /// Where the database is, unless it is in the folder.
    pub database: Option<String>,
    pub session: String,
}

/// Makes the order of a number.
type Make = fn(usize) -> Value;

impl World {
    /// Makes one in an empty folder.
    pub fn make(
        program: &Path,
        folder: &Path,
        database: Option<String>,
        sizes: Sizes,
    ) -> anyhow::Result<Self> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)?;
        let files = [("key", "5c".repeat(32)), ("secret", SECRET.into()), ("sm4", SM4_KEY.into())];
        for (name, text) in files {
            std::fs::write(folder.join(name), text)?;
        }
        let (program, folder) = (program.to_owned(), folder.to_owned());
        let mut world = Self { program, folder, database, session: String::new() };
        let sealing = ["--sm4-key-file", "sm4", "--sm4-key-id", "bench"];
        // Far more than is called, so that calls are counted.
        let quota = ["--calls-per-day", "4000000000"];
        let bound = ["--sub-channel", "corp001", "--channel", "80001", "--cwt-account", "12342134"];
        let app = ["app", "add", APP, "--secret-file", "secret"];
        world.run(&[app.as_slice(), &sealing, &bound, &quota].concat())?;
        let printed = world.run(&["session", "add", APP])?;
        world.session = printed.trim().trim_start_matches("session ").to_owned();
        world.fill(sizes)?;
        Ok(world)
    }

    /// Brings in orders.
    pub fn fill(&self, sizes: Sizes) -> anyhow::Result<()> {
        let Sizes { payable, changed, rentals, receipts, trains } = sizes;
        let families: [(usize, Make); 5] = [
            (payable, self::payable),
            (changed, self::changed),
            (rentals, rental),
            (receipts, self::receipts),
            (trains, train),
        ];
        for (count, make) in families {
            for first in (0..count).step_by(FILE_ORDERS) {
                let orders = first..count.min(first + FILE_ORDERS);
                let orders: Vec<_> = orders.map(make).collect();
                std::fs::write(self.folder.join("orders"), serde_json::to_vec(&orders)?)?;
                self.run(&["order", "import", "orders"])?;
            }
        }
        Ok(())
    }

    /// The same world in another folder, as it is on the disk.
    pub fn copy_to(&self, folder: &Path) -> anyhow::Result<Self> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        run(Command::new("cp").arg("-r").arg(&self.folder).arg(folder))?;
        // What is still to be written must not be written while something is measured.
        run(&mut Command::new("sync"))?;
        Ok(Self { folder: folder.to_owned(), ..self.clone() })
    }

    /// Runs a command of the program on it.
    pub fn run(&self, args: &[&str]) -> anyhow::Result<String> {
        run(self.command(args).stdin(Stdio::null()))
    }

    /// Starts serving, as in production.
    pub fn serve(&self, flags: &[&str]) -> anyhow::Result<Server> {
        let (gateway, admin) = (free_address()?, free_address()?);
        let (port, admin_port) = (gateway.port().to_string(), admin.port().to_string());
        let fixed = ["serve", "--production", "--port", &port, "--admin-port", &admin_port];
        Server::start(&self.command(&[fixed.as_slice(), flags].concat()), gateway)
    }

    /// Starts serving, and waits until a change is read; there must be one.
    pub fn started(&self, flags: &[&str]) -> anyhow::Result<Server> {
        let mut server = self.serve(flags)?;
        first_answer(&mut server, &Calls::detail(self, Form::Json, 0..1), Instant::now())?;
        Ok(server)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(&self.folder);
        command.env("TRIPWRIGHT_DATA", "data").env("TRIPWRIGHT_KEY_FILE", "key");
        if let Some(database) = &self.database {
            command.env("TRIPWRIGHT_DATABASE", database);
        }
        command
    }
}

fn flight(id: &str, history: Vec<Value>) -> Value {
    let traveller = |user_id: &str, name: &str, number: &str, phone: &str| {
        json!({
            "user_id": user_id, "name": name, "passenger_type": "adult", "phone": phone,
            "document": {"document_type": "id_card", "number": number},
        })
    };
    json!({
        "kind": "flight",
        "booking": {
            "key": {"app": APP, "sub_channel": "corp001", "dis_order_id": id},
            "segments": [flight_on("MU5101", "2099-06-01T08:00:00", "2099-06-01T10:15:00")],
            "travellers": [
                traveller("100001", "张三", "999999199001010016", "13800000001"),
                traveller("100002", "李四", "999999198505050025", "13800000002"),
            ],
            "settle_type": "corporate_monthly",
        },
        "history": history.into_iter().map(|command| json!({"do": command})).collect::<Vec<_>>(),
    })
}

fn flight_on(flight_no: &str, departs: &str, arrives: &str) -> Value {
    json!({
        "flight_no": flight_no,
        "from": {"airport_code": "SHA", "terminal": "T2"},
        "to": {"airport_code": "PEK", "terminal": "T2"},
        "departs": departs, "arrives": arrives, "cabin": "Y", "cabin_class": "Y",
        "fare": {"ticket_fen": 113_000, "build_fen": 5_000, "oil_fen": 2_000},
        "meal": "早餐", "baggage": "20KG",
    })
}

fn confirmed() -> Value {
    json!({"command": "confirm", "until": "2099-01-01T00:00:00Z"})
}

fn payable(at: usize) -> Value {
    flight(&format!("payable-{at}"), vec![confirmed()])
}

/// As the published page's own example, of which every field is shown.
fn changed(at: usize) -> Value {
    let change = format!("change-{at}");
    let ticket = |serial: usize| format!("781-{serial:010}");
    let mut new = flight_on("MU5693", "2099-06-01T13:30:00", "2099-06-01T17:05:00");
    new["operated_as"] = "FM9107".into();
    new["stop"] = json!({
        "city_code": "TAO", "arrives": "2099-06-01T15:00:00", "departs": "2099-06-01T15:45:00",
    });
    flight(
        &format!("changed-{at}"),
        vec![
            confirmed(),
            json!({"command": "pay", "alipay_trade_no": format!("trade-{at}")}),
            json!({"command": "ticket", "tickets": [ticket(at * 3), ticket(at * 3 + 1)]}),
            json!({
                "command": "apply-change", "dis_sub_order_id": change, "voluntary": true,
                "reason": "工作需要", "travellers": ["100001"],
                "flights": [{"flight": new, "last_flight_no": "MU5101", "last_cabin": "Y"}],
                "settle_type": "corporate_monthly",
                "conditions": "起飞前2小时(含)以外退票收取票面价20%,改期免费;之后退票收取30%,改期收取10%",
                "extra": "{\"source\":\"bench\"}",
            }),
            json!({
                "command": "price-change", "dis_sub_order_id": change,
                "fees": [{"handling_fen": 20_000, "upgrade_fen": 15_000}],
                "until": "2099-01-01T00:00:00Z",
            }),
            json!({
                "command": "pay-change", "dis_sub_order_id": change,
                "alipay_trade_no": format!("change-trade-{at}"),
            }),
            json!({
                "command": "reissue", "dis_sub_order_id": change, "tickets": [ticket(at * 3 + 2)],
            }),
        ],
    )
}

fn rental(at: usize) -> Value {
    let tier = |hours: u32, percent: u8| json!({"hours": hours, "charge": {"percent": {"percent": percent, "of": "total"}}});
    json!({
        "kind": "rental",
        "booking": {
            "key": {"app": APP, "channel_id": "80001", "order_id": format!("rental-{at}")},
            "out_order_id": format!("out-{at}"),
            "pick_up": "2099-06-01T10:00:00", "give_back": "2099-06-04T10:00:00",
            "prices": {
                "rent_fen": 60_000, "handling_fen": 2_000, "services_fen": 15_000,
                "first_day_fen": 27_000,
            },
            "policy": {"terms": {"tiers": [tier(72, 0), tier(48, 10), tier(24, 20), tier(2, 30), tier(0, 50)]}},
        },
        "history": [
            {"do": {"command": "pay", "trade_no": format!("trade-{at}")}},
            {"do": {"command": "accept"}},
        ],
    })
}

fn receipts(at: usize) -> Value {
    let ticket = |number: usize| {
        let number = format!("999-{number:010}");
        json!({"number": number, "traveller": {"emp_no": "322558", "ht_user_id": "123421"}})
    };
    json!({
        "kind": "receipts",
        "booking": {
            "key": {
                "app": APP, "cwt_account_no": "12342134",
                "out_relation_order_id": format!("receipts-{at}"),
            },
            "travel_request": {"tes_head_id": "3021342135", "status": "approved"},
            "tickets": [ticket(at * 2), ticket(at * 2 + 1)],
        },
    })
}

fn train(at: usize) -> Value {
    json!({
        "kind": "train",
        "booking": {
            "key": {"app": APP, "order_id": format!("train-{at}")},
            "supplier_order_id": format!("supplier-{at}"),
            "ticket_no": "EA12345678",
            "legs": [{
                "train_no": "G1",
                "from": {"code": "VNP", "name": "北京南"}, "to": {"code": "AOH", "name": "上海虹桥"},
                "departs": "2099-06-01T09:00:00", "arrives": "2099-06-01T13:28:00",
                "tickets": [{
                    "passenger": {
                        "passenger_id": "100001", "name": "张三", "id_type": "id_card",
                        "id_no": "999999199001010016", "mobile": "13800000001",
                    },
                    "passenger_ticket_no": "EA12345678", "coach_no": "05", "seat_no": "01A",
                    "seat_type": "O", "seat_name": "二等座", "ticket_type": "adult",
                    "price_fen": 55_300,
                }],
            }],
        },
        "history": [{"do": {"command": "ask-refund", "refund_id": format!("refund-{at}")}}],
    })
}
