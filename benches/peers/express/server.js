// A cancel as somebody would write it by hand in an afternoon: the signature is checked, and with "durable"
// the order is closed in SQLite before the answer. Usage: server.js PORT static|durable SECRET ORDERS
const crypto = require("node:crypto");
const express = require("express");

const [port, mode, secret, orders] = process.argv.slice(2);
const cancel = mode === "durable" ? openDatabase(Number(orders)) : () => true;

function openDatabase(count) {
  const db = require("better-sqlite3")("peer.db");
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.exec(
    "CREATE TABLE orders (id TEXT PRIMARY KEY, state TEXT NOT NULL, document TEXT NOT NULL);" +
      "CREATE TABLE events (n INTEGER PRIMARY KEY, id TEXT NOT NULL, what TEXT NOT NULL, at TEXT NOT NULL)",
  );
  const insert = db.prepare("INSERT INTO orders VALUES (?, 'payable', ?)");
  db.transaction(() => {
    for (let n = 0; n < count; n++) insert.run(`payable-${n}`, "x".repeat(1800));
  })();
  const find = db.prepare("SELECT state FROM orders WHERE id = ?");
  const close = db.prepare("UPDATE orders SET state = 'closed' WHERE id = ?");
  const note = db.prepare("INSERT INTO events (id, what, at) VALUES (?, 'cancel', ?)");
  return db.transaction((id) => {
    if (find.get(id)?.state !== "payable") return false;
    close.run(id);
    note.run(id, new Date().toISOString());
    return true;
  });
}

function isSigned(params) {
  const { sign, ...rest } = params;
  const text = Object.keys(rest).sort().map((name) => name + rest[name]).join("");
  const expected = crypto.createHmac("md5", secret).update(text).digest("hex").toUpperCase();
  return sign === expected;
}

const app = express();
app.use(express.urlencoded({ extended: false }));
app.post("/router/rest", (request, response) => {
  if (!isSigned(request.body)) {
    return response.json({ error_response: { code: 25, msg: "Invalid signature" } });
  }
  const { dis_order_id } = JSON.parse(request.body.param_btrip_flight_order_operate_common_rq);
  const success = cancel(dis_order_id);
  response.json({
    alitrip_btrip_flight_distribution_order_cancel_response: {
      result: {
        module: { cancel_time: new Date().toISOString(), order_status: "6" },
        result_code: success ? 0 : 1,
        result_msg: success ? "成功" : "失败",
        success,
      },
      request_id: crypto.randomBytes(6).toString("hex"),
    },
  });
});
app.listen(Number(port), "127.0.0.1");
