// A cancel as somebody would write it by hand in an afternoon: the signature is checked, and with "durable"
// the order is closed in SQLite before the answer. Usage: main PORT static|durable SECRET ORDERS
package main

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3"
)

type object = map[string]interface{}

func main() {
	port, mode, secret := os.Args[1], os.Args[2], os.Args[3]
	orders, err := strconv.Atoi(os.Args[4])
	must(err)
	cancel := func(string) bool { return true }
	if mode == "durable" {
		cancel = openDatabase(orders)
	}
	http.HandleFunc("/router/rest", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.ParseForm() != nil || !isSigned(r, secret) {
			json.NewEncoder(w).Encode(object{"error_response": object{"code": 25, "msg": "Invalid signature"}})
			return
		}
		var rq struct {
			Order string `json:"dis_order_id"`
		}
		must(json.Unmarshal([]byte(r.Form.Get("param_btrip_flight_order_operate_common_rq")), &rq))
		success := cancel(rq.Order)
		code, msg := 0, "成功"
		if !success {
			code, msg = 1, "失败"
		}
		id := make([]byte, 6)
		rand.Read(id)
		json.NewEncoder(w).Encode(object{"alitrip_btrip_flight_distribution_order_cancel_response": object{
			"result": object{
				"module":      object{"cancel_time": time.Now().Format(time.RFC3339), "order_status": "6"},
				"result_code": code, "result_msg": msg, "success": success,
			},
			"request_id": hex.EncodeToString(id),
		}})
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil))
}

func isSigned(r *http.Request, secret string) bool {
	names := make([]string, 0, len(r.Form))
	for name := range r.Form {
		if name != "sign" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	mac := hmac.New(md5.New, []byte(secret))
	for _, name := range names {
		mac.Write([]byte(name + r.Form.Get(name)))
	}
	return strings.ToUpper(hex.EncodeToString(mac.Sum(nil))) == r.Form.Get("sign")
}

func openDatabase(orders int) func(string) bool {
	db, err := sql.Open("sqlite3", "file:peer.db?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate")
	must(err)
	db.SetMaxOpenConns(1)
	for _, statement := range []string{
		"CREATE TABLE orders (id TEXT PRIMARY KEY, state TEXT NOT NULL, document TEXT NOT NULL)",
		"CREATE TABLE events (n INTEGER PRIMARY KEY, id TEXT NOT NULL, what TEXT NOT NULL, at TEXT NOT NULL)",
	} {
		_, err = db.Exec(statement)
		must(err)
	}
	filling, err := db.Begin()
	must(err)
	document := strings.Repeat("x", 1800)
	for n := 0; n < orders; n++ {
		_, err = filling.Exec("INSERT INTO orders VALUES (?, 'payable', ?)", fmt.Sprintf("payable-%d", n), document)
		must(err)
	}
	must(filling.Commit())
	find, err := db.Prepare("SELECT state FROM orders WHERE id = ?")
	must(err)
	shut, err := db.Prepare("UPDATE orders SET state = 'closed' WHERE id = ?")
	must(err)
	note, err := db.Prepare("INSERT INTO events (id, what, at) VALUES (?, 'cancel', ?)")
	must(err)
	return func(id string) bool {
		tx, err := db.Begin()
		must(err)
		defer tx.Rollback()
		var state string
		if tx.Stmt(find).QueryRow(id).Scan(&state) != nil || state != "payable" {
			return false
		}
		_, err = tx.Stmt(shut).Exec(id)
		must(err)
		_, err = tx.Stmt(note).Exec(id, time.Now().Format(time.RFC3339))
		must(err)
		return tx.Commit() == nil
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
