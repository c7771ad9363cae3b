//! What every engine must do, on a real database.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod postgres;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::access::{App, Session};
use domain::grant::{Code, Digest, Fresh, Grant, Refusal};
use domain::{Instant, Parted, Pii, pii};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Call, Calls, Cause, Decision, Error, Key, LookUp, SealingKey, Store, Usage};
use tempfile::TempDir;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Document {
    /// So large that it stands apart from the rest where that is done.
    about: String,
    count: u32,
    #[serde(with = "pii::marked")]
    name: Pii<String>,
}

const NAME: &str = "欧阳不在册";

fn about() -> String {
    "{\"，}".repeat(200)
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn sealing_key() -> SealingKey {
    "ab".repeat(32).parse().unwrap()
}

fn open(folder: &Path) -> Store {
    Store::open_sqlite(&folder.join("t.db"), &sealing_key()).unwrap()
}

/// A database of one's own, on either engine.
enum World {
    Sqlite(TempDir),
    Postgres(String),
}

impl World {
    async fn open(&self) -> Store {
        self.open_with(&sealing_key()).await.unwrap()
    }

    /// Opens it once more, as another process would.
    async fn open_with(&self, key: &SealingKey) -> Result<Store, Error> {
        match self {
            Self::Sqlite(folder) => Store::open_sqlite(&folder.path().join("t.db"), key),
            Self::Postgres(url) => Store::open_postgres(url, key, true).await,
        }
    }

    /// Says that a newer program has taken so many steps, and how many one must know.
    fn grow_schema(&self, steps: i64, oldest: i64) {
        match self {
            Self::Sqlite(folder) => {
                let connection = rusqlite::Connection::open(folder.path().join("t.db")).unwrap();
                connection.pragma_update(None, "user_version", steps).unwrap();
                let sql = "UPDATE fact SET value = ?1 WHERE name = 'schema_oldest'";
                assert_eq!(connection.execute(sql, [oldest.to_string()]).unwrap(), 1);
            }
            Self::Postgres(url) => {
                postgres::psql(url, &format!("INSERT INTO schema_step VALUES ({steps}, {oldest})"));
            }
        }
    }

    /// Puts a copy of one document in another's place, as somebody with the files could.
    fn copy_document(&self, from: &str, to: &str) {
        let sql = format!(
            "UPDATE aggregate SET document = (SELECT b.document FROM aggregate b WHERE b.id = '{from}') \
             WHERE id = '{to}'"
        );
        match self {
            Self::Sqlite(folder) => {
                let connection = rusqlite::Connection::open(folder.path().join("t.db")).unwrap();
                assert_eq!(connection.execute(&sql, []).unwrap(), 1);
            }
            Self::Postgres(url) => assert_eq!(postgres::psql(url, &sql), b"UPDATE 1\n"),
        }
    }

    /// Does something behind the store's back.
    fn run(&self, sql: &str) {
        match self {
            Self::Sqlite(folder) => {
                let connection = rusqlite::Connection::open(folder.path().join("t.db")).unwrap();
                connection.execute_batch(sql).unwrap();
            }
            Self::Postgres(url) => drop(postgres::psql(url, sql)),
        }
    }

    /// How many bytes stand with the only aggregate, apart from it, and in both places.
    fn lengths(&self) -> (i64, Option<i64>, i64) {
        const SQL: &str = "SELECT length(a.document), length(b.text), length(w.document) \
            FROM aggregate a JOIN whole w USING (owner, kind, id) LEFT JOIN body b";
        match self {
            Self::Sqlite(folder) => {
                let connection = rusqlite::Connection::open(folder.path().join("t.db")).unwrap();
                let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                connection.query_row(&format!("{SQL} ON b.id = a.body"), [], row).unwrap()
            }
            Self::Postgres(url) => {
                let told = postgres::psql(url, &format!("{SQL} USING (owner, kind, id)"));
                let told = String::from_utf8(told).unwrap();
                let told: Vec<_> = told.trim().split('|').map(|told| told.parse().ok()).collect();
                let [Some(rest), body, Some(whole)] = told[..] else { panic!("{told:?}") };
                (rest, body, whole)
            }
        }
    }

    /// Everything that is kept, as it is kept.
    fn files(&self) -> Vec<u8> {
        match self {
            Self::Sqlite(folder) => files(folder.path()),
            Self::Postgres(url) => postgres::everything(url),
        }
    }
}

/// Runs each test on both engines.
macro_rules! on_both_engines {
    ($($name:ident,)*) => {
        mod on_sqlite {
            use super::World;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                super::$name(World::Sqlite(tempfile::tempdir().unwrap())).await;
            })*
        }
        mod on_postgres {
            use super::{World, postgres};
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                super::$name(World::Postgres(postgres::database())).await;
            })*
        }
    };
}

fn key(id: &str) -> Key {
    Key { kind: "thing", owner: "app/one".into(), id: id.into() }
}

fn cause(request_id: &str) -> Cause {
    let at = at("2026-03-01T00:00:00Z");
    Cause { at, actor: "test".into(), request_id: request_id.into() }
}

fn put(count: u32, look_ups: Vec<LookUp>) -> Decision<Document> {
    let document = Document { about: about(), count, name: Pii::new(NAME.into()) };
    Decision::Put { document, what: "count", facts: None, look_ups }
}

/// Adds one; returns the new count.
async fn add_one(store: &Store, key: &Key, request_id: &str) -> Result<u32, Error> {
    store
        .change(key, &cause(request_id), |document: Option<Document>| {
            let count = document.map_or(0, |document| document.count) + 1;
            (put(count, vec![]), count)
        })
        .await
}

async fn count(store: &Store, key: &Key) -> Option<u32> {
    store.get::<Document>(key).await.unwrap().map(|document| document.count)
}

async fn a_change_is_read_back_with_its_story(world: World) {
    let store = world.open().await;
    assert_eq!(count(&store, &key("a")).await, None);
    assert_eq!(add_one(&store, &key("a"), "r1").await.unwrap(), 1);
    assert_eq!(add_one(&store, &key("b"), "r2").await.unwrap(), 1);
    assert_eq!(add_one(&store, &key("a"), "r3").await.unwrap(), 2);
    let read: Document = store.get(&key("a")).await.unwrap().unwrap();
    assert_eq!((read.count, read.name.expose().as_str()), (2, NAME));
    let story: Vec<_> = store
        .journal(&key("a"))
        .await
        .unwrap()
        .into_iter()
        .map(|e| (e.version, e.what, e.at.to_string(), e.actor, e.request_id))
        .collect();
    let entry = |version: i64, request: &str| {
        let at = "2026-03-01T00:00:00Z";
        (version, "count".to_owned(), at.to_owned(), "test".to_owned(), request.to_owned())
    };
    assert_eq!(story, [entry(2, "r3"), entry(1, "r1")]);
}

async fn what_more_there_is_to_say_is_journalled_and_sealed(world: World) {
    let store = world.open().await;
    let facts = serde_json::json!({"reason": "sold out", "who": {"$pii": NAME}});
    store
        .change(&key("a"), &cause("r"), |_: Option<Document>| {
            let document = Document { about: about(), count: 1, name: Pii::new(NAME.into()) };
            let facts = Some(facts.clone());
            (Decision::Put { document, what: "count", facts, look_ups: vec![] }, ())
        })
        .await
        .unwrap();
    assert_eq!(store.journal(&key("a")).await.unwrap()[0].facts, Some(facts));
    assert!(!world.files().windows(NAME.len()).any(|window| window == NAME.as_bytes()));
}

#[tokio::test]
async fn a_session_copied_over_another_row_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.put_session(&session("a", "expired")).await.unwrap();
    store.put_session(&session("a", "open")).await.unwrap();
    store.close().await;
    let connection = rusqlite::Connection::open(folder.path().join("t.db")).unwrap();
    let copy = "UPDATE session SET document = (SELECT document FROM session LIMIT 1)";
    connection.execute(copy, []).unwrap();
    drop(connection);
    let store = open(folder.path());
    let app = "a".parse().unwrap();
    let opened = [store.session(&app, "expired").await, store.session(&app, "open").await];
    assert_eq!(opened.iter().filter(|session| session.is_err()).count(), 1);
}

#[tokio::test]
async fn looking_waits_for_nobody_who_writes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    add_one(&store, &key("a"), "r").await.unwrap();
    let writer = rusqlite::Connection::open(folder.path().join("t.db")).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let other = open(folder.path());
    assert_eq!(count(&other, &key("a")).await, Some(1));
    assert_eq!(other.list("thing", None, 9).await.unwrap().len(), 1);
    let refused = add_one(&other, &key("a"), "r").await.unwrap_err();
    assert!(matches!(refused, Error::Busy), "{refused}");
}

#[tokio::test]
async fn a_database_behind_a_link_is_read_as_it_is() {
    let (there, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let elsewhere = open(there.path());
    add_one(&elsewhere, &key("a"), "r").await.unwrap();
    std::os::unix::fs::symlink(there.path().join("t.db"), here.path().join("t.db")).unwrap();
    // What another program left beside the link is not the log's index.
    std::fs::write(here.path().join("t.db-shm"), [0; 64]).unwrap();
    let store = open(here.path()).keeping_documents(1 << 20);
    add_one(&store, &key("b"), "r").await.unwrap();
    for count in 1..=20 {
        let read = store.read::<Document>(&key("a")).await.unwrap().unwrap();
        assert_eq!(read.document.count, count);
        let again = store.read::<Document>(&key("a")).await.unwrap().unwrap();
        assert!(std::ptr::eq(&*again, &*read), "what has not changed is kept");
        add_one(&elsewhere, &key("a"), "r").await.unwrap();
    }
}

#[tokio::test]
async fn what_has_moved_in_the_file_meanwhile_is_read_anew_before_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for id in ["first", "moves", "takes its place"] {
        add_one(&store, &key(id), "r").await.unwrap();
    }
    let mut asked = 0;
    let (key_of_it, because) = (key("moves"), cause("r2"));
    let counted = store.change(&key_of_it, &because, |document: Option<Document>| {
        asked += 1;
        if asked == 1 {
            let file = rusqlite::Connection::open(folder.path().join("t.db")).unwrap();
            let turned =
                "UPDATE aggregate SET rowid = -rowid; UPDATE aggregate SET rowid = 5 + rowid";
            file.execute_batch(turned).unwrap();
        }
        let mut document = document.unwrap();
        document.count += 1;
        let count = document.count;
        (Decision::Put { document, what: "add", facts: None, look_ups: Vec::new() }, count)
    });
    assert_eq!(counted.await.unwrap(), 2);
    assert_eq!(asked, 2, "it was not where it had been");
    let left = store.get::<Document>(&key("takes its place")).await.unwrap().unwrap();
    assert_eq!(left.count, 1);
}

/// As much of somebody as is looked at.
#[derive(Debug, PartialEq, Deserialize)]
struct Looked {
    who: Vec<Named>,
    sum: u32,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Named {
    #[serde(with = "pii::marked")]
    name: Pii<String>,
}

async fn a_look_passes_over_what_it_does_without(world: World) {
    let store = world.open().await.keeping_documents(1 << 20);
    let document = serde_json::json!({
        "about": about(),
        "who": [
            {"name": {"$pii": NAME}, "phone": {"$pii:phone": "13800000001"}},
            {"name": {"$pii": "\u{201c}\\"}, "phone": null, "of": {"nickname": {"$pii": "n"}}},
        ],
        "sum": 7,
    });
    let put = |_: Option<Value>| {
        let (document, look_ups) = (document.clone(), Vec::new());
        (Decision::Put { document, what: "put", facts: None, look_ups }, ())
    };
    store.change(&key("a"), &cause("r"), put).await.unwrap();
    let named = |name: &str| Named { name: Pii::new(name.into()) };
    let expected = Looked { who: vec![named(NAME), named("\u{201c}\\")], sum: 7 };
    for _ in 0..2 {
        let looked = store.look::<Looked>(&key("a"), &["about", "phone"]).await.unwrap().unwrap();
        assert_eq!(looked.document, expected);
        // However it was read before.
        assert_eq!(store.read::<Value>(&key("a")).await.unwrap().unwrap().document, document);
        let looked = store.look::<Value>(&key("a"), &["about", "phone"]).await.unwrap().unwrap();
        let mut seen = document.clone();
        for left_out in ["/about", "/who/0/phone"] {
            *seen.pointer_mut(left_out).unwrap() = Value::Null;
        }
        assert_eq!(looked.document, seen);
    }
    let refused = store.look::<Looked>(&key("a"), &["name"]).await.unwrap_err();
    assert!(matches!(refused, Error::Document { .. }), "{refused}");
    assert!(!format!("{refused:?}").contains("v1."), "{refused:?}");
}

#[tokio::test]
async fn what_is_looked_at_again_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).keeping_documents(1 << 20);
    add_one(&store, &key("a"), "r").await.unwrap();
    let look = async || store.look::<Document>(&key("a"), &["absent"]).await.unwrap().unwrap();
    let looked = look().await;
    assert!(std::ptr::eq(&*look().await, &*looked));
    add_one(&store, &key("a"), "r").await.unwrap();
    assert_eq!(look().await.document.count, 2);
}

async fn deciding_to_keep_writes_nothing(world: World) {
    let store = world.open().await;
    add_one(&store, &key("a"), "r1").await.unwrap();
    let seen = store
        .change(&key("a"), &cause("r2"), |document: Option<Document>| {
            (Decision::<Document>::Keep, document.unwrap().count)
        })
        .await
        .unwrap();
    assert_eq!(seen, 1);
    assert_eq!(store.journal(&key("a")).await.unwrap().len(), 1);
}

/// A document in two parts, each with somebody in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Parts {
    who: Person,
    next: Person,
}

impl Parted for Parts {
    fn rest(&self) -> impl Serialize {
        std::collections::BTreeMap::from([("next", &self.next)])
    }
}

async fn changing_one_member_is_changing_the_whole_and_leaves_the_rest_as_it_is_stored(
    world: World,
) {
    let card = "E1/\"}";
    let store = change_one_member(&world, card).await;
    // What it begins with does not stand apart, and stays all the same.
    change_what_follows(&store, card, "E4", Way::Rest).await;
}

async fn a_member_changes_alone_beside_one_that_stands_apart(world: World) {
    let card = "E1/\"}".repeat(200);
    let store = change_one_member(&world, &card).await;
    // So does the one that stands apart itself, and then all of it.
    let put = |known: Option<Person>| {
        assert_eq!(known.unwrap().card.expose(), &card);
        let document = Person { card: Pii::new("E6".repeat(300)), phone: None };
        (Decision::Put { document, what: "apart", facts: None, look_ups: vec![] }, ())
    };
    store.change_member(&key("a"), "who", &cause("r5"), put).await.unwrap();
    for (card, next) in
        [("E7".repeat(300), "E3"), ("E8".to_owned(), "E9"), ("E7".repeat(300), "E9")]
    {
        let read = store.get::<Parts>(&key("a")).await.unwrap().unwrap();
        let change = |known: Option<Parts>| {
            assert_eq!(known, Some(read.clone()));
            let who = Person { card: Pii::new(card.clone()), phone: None };
            let document = Parts { who, next: Person { card: Pii::new(next.into()), phone: None } };
            (Decision::Put { document, what: "all", facts: None, look_ups: vec![] }, ())
        };
        store.change(&key("a"), &cause("r6"), change).await.unwrap();
        let read = store.get::<Parts>(&key("a")).await.unwrap().unwrap();
        assert_eq!((read.who.card.expose(), read.next.card.expose().as_str()), (&card, next));
    }
}

/// Changes one member of a document in which somebody with this card comes first.
async fn change_one_member(world: &World, card: &str) -> Store {
    let store = world.open().await;
    let person = |card: &str| Person { card: Pii::new(card.to_owned()), phone: None };
    let whole = Parts { who: person(card), next: person("E2") };
    let decide = |document, what| Decision::Put { document, what, facts: None, look_ups: vec![] };
    let import = |_: Option<Parts>| (decide(whole.clone(), "put"), ());
    store.change(&key("a"), &cause("r1"), import).await.unwrap();

    let put = |document: Person| {
        (Decision::Put { document, what: "part", facts: None, look_ups: vec![] }, ())
    };
    let replace = |known: Option<Person>| {
        assert_eq!(known, Some(person("E2")));
        put(person("E3"))
    };
    store.change_member(&key("a"), "next", &cause("r2"), replace).await.unwrap();
    let read = store.get::<Parts>(&key("a")).await.unwrap().unwrap();
    assert_eq!(read, Parts { next: person("E3"), ..whole });
    // Both are found: the one that was there, and the one that came.
    for card in [card, "E3"] {
        let found = store.find_people(pii::Trait::Document, card).await.unwrap();
        assert_eq!(found, [("thing".to_owned(), "app/one".to_owned(), "a".to_owned())], "{card}");
    }
    let story: Vec<_> =
        store.journal(&key("a")).await.unwrap().into_iter().map(|e| e.what).collect();
    assert_eq!(story, ["part", "put"]);

    // Of a document that is not there, a member alone makes none; nor one that it does not have.
    let make = |known: Option<Person>| {
        assert_eq!(known, None);
        put(person("E4"))
    };
    let made = store.change_member(&key("b"), "next", &cause("r3"), make).await;
    assert!(matches!(made, Err(Error::Unsealable(_))), "{made:?}");
    let put_other = |_: Option<Person>| put(person("E5"));
    let other = store.change_member(&key("a"), "other", &cause("r4"), put_other).await;
    assert!(matches!(other, Err(Error::Document { .. })), "{other:?}");
    assert_eq!(store.get::<Parts>(&key("b")).await.unwrap(), None);
    store
}

#[tokio::test]
async fn what_is_damaged_beside_a_member_that_changes_does_not_move_to_a_new_key() {
    const DAMAGE: &str = "UPDATE aggregate SET document = CAST(substr(rtrim(CAST(document AS TEXT)), 1, \
        length(rtrim(CAST(document AS TEXT))) - 1) || ']' AS BLOB)";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    let world = World::Sqlite(folder);
    let store = change_one_member(&world, "E1").await;
    let file = rusqlite::Connection::open(path).unwrap();
    let document = || -> Vec<u8> {
        file.query_row("SELECT document FROM aggregate", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(file.execute(DAMAGE, []).unwrap(), 1);
    store.add_key(None).await.unwrap();
    let damaged = document();
    let put = |_: Option<Person>| {
        let document = Person { card: Pii::new("E4".into()), phone: None };
        (Decision::Put { document, what: "part", facts: None, look_ups: vec![] }, ())
    };
    let changed = store.change_member(&key("a"), "next", &cause("r7"), put).await;
    assert!(matches!(changed, Err(Error::Document { .. })), "{changed:?}");
    assert_eq!(document(), damaged);
    let read = store.get::<Parts>(&key("a")).await;
    assert!(matches!(read, Err(Error::Document { .. })), "{read:?}");
}

/// How what follows is changed.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// With all that stands before it.
    Whole,
    /// By whoever says that what stands before it stays.
    Rest,
}

/// Changes, in a document, what follows somebody with this card.
async fn change_what_follows(store: &Store, card: &str, next: &str, way: Way) {
    let person = |card: &str| Person { card: Pii::new(card.to_owned()), phone: None };
    let put = |known: Option<Parts>| {
        let document = Parts { next: person(next), ..known.unwrap() };
        (Decision::Put { document, what: "all", facts: None, look_ups: vec![] }, ())
    };
    match way {
        Way::Whole => store.change(&key("a"), &cause("r5"), put).await.unwrap(),
        Way::Rest => store.change_rest(&key("a"), &cause("r5"), put).await.unwrap(),
    }
    let read = store.get::<Parts>(&key("a")).await.unwrap().unwrap();
    assert_eq!(read, Parts { who: person(card), next: person(next) });
    for card in [card, next] {
        let found = store.find_people(pii::Trait::Document, card).await.unwrap();
        assert_eq!(found, [("thing".to_owned(), "app/one".to_owned(), "a".to_owned())], "{card}");
    }
}

async fn a_change_of_all_but_what_stands_apart_leaves_that_as_it_is_stored(world: World) {
    let card = "E1/\"}".repeat(200);
    let store = change_one_member(&world, &card).await;
    let (_, body, _) = world.lengths();
    assert!(body.is_some());
    // Wherever it were written, or its place, nothing could be.
    world.run(match world {
        World::Sqlite(_) => {
            "CREATE TRIGGER untouched BEFORE UPDATE ON body BEGIN SELECT raise(ABORT, ''); END; \
             CREATE TRIGGER unparted BEFORE UPDATE ON aggregate WHEN new.body IS NOT old.body \
                 BEGIN SELECT raise(ABORT, ''); END"
        }
        World::Postgres(_) => {
            "CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS \
                 'BEGIN RAISE EXCEPTION ''touched''; END'; \
             CREATE TRIGGER untouched BEFORE INSERT OR UPDATE ON body \
                 FOR EACH ROW EXECUTE FUNCTION touched()"
        }
    });
    for next in ["E4", "E5", "E4"] {
        for way in [Way::Whole, Way::Rest] {
            change_what_follows(&store, &card, &format!("{next}{way:?}"), way).await;
        }
    }
    assert_eq!(world.lengths().1, body);
}

#[tokio::test]
#[should_panic(expected = "more than the rest was changed")]
async fn whoever_changes_more_than_the_rest_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = change_one_member(&World::Sqlite(folder), &"E1".repeat(600)).await;
    let change = |known: Option<Parts>| {
        let who = Person { card: Pii::new("E6".into()), phone: None };
        let document = Parts { who, ..known.unwrap() };
        (Decision::Put { document, what: "all", facts: None, look_ups: vec![] }, ())
    };
    store.change_rest(&key("a"), &cause("r5"), change).await.unwrap();
}

async fn what_is_loaded_to_be_changed_moves_to_the_newest_key_wherever_it_stands(world: World) {
    let card = "E1/\"}".repeat(200);
    let store = change_one_member(&world, &card).await;
    for way in [Way::Whole, Way::Rest] {
        store.add_key(None).await.unwrap();
        change_what_follows(&store, &card, "E4", way).await;
        assert_eq!(store.reseal().await.unwrap().count, 0, "{way:?}");
    }
}

async fn what_a_document_begins_with_is_written_once_and_stands_apart(world: World) {
    let store = world.open().await;
    let begin = async |about: String| {
        let document = Document { about, count: 0, name: Pii::new(NAME.into()) };
        let decide = |_: Option<Document>| {
            let document = document.clone();
            (Decision::Put { document, what: "begin", facts: None, look_ups: vec![] }, ())
        };
        store.change(&key("a"), &cause("r0"), decide).await.unwrap();
        assert_eq!(store.get::<Document>(&key("a")).await.unwrap(), Some(document));
    };
    begin("x".repeat(1200)).await;
    begin("y".repeat(700)).await;
    add_one(&store, &key("a"), "r1").await.unwrap();
    let first = world.lengths();
    let (rest, Some(body), whole) = first else { panic!("{first:?}") };
    assert!(rest <= 128 && body > 1000 && rest + body == whole, "{first:?}");
    world.run(match world {
        World::Sqlite(_) => {
            "CREATE TRIGGER untouched BEFORE UPDATE ON body BEGIN SELECT raise(ABORT, ''); END"
        }
        World::Postgres(_) => {
            "CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS \
                 'BEGIN RAISE EXCEPTION ''touched''; END'; \
             CREATE TRIGGER untouched BEFORE UPDATE ON body \
                 FOR EACH ROW EXECUTE FUNCTION touched()"
        }
    });
    add_one(&store, &key("a"), "r2").await.unwrap();
    assert_eq!(world.lengths(), first);

    // As programs of before have written it: it is parted when it changes again.
    world.run("UPDATE aggregate SET document = (SELECT document FROM whole)");
    if let World::Sqlite(_) = world {
        world.run("UPDATE aggregate SET body = NULL");
    }
    world.run("DELETE FROM body");
    assert_eq!(world.lengths(), (whole, None, whole));
    assert_eq!(store.get::<Document>(&key("a")).await.unwrap().unwrap().count, 2);
    assert_eq!(add_one(&store, &key("a"), "r3").await.unwrap(), 3);
    assert_eq!(world.lengths(), first);

    // Half of it is never taken for all.
    world.run("DELETE FROM body");
    assert!(store.get::<Document>(&key("a")).await.is_err());
    assert!(add_one(&store, &key("a"), "r4").await.is_err());
}

async fn a_document_of_one_large_member_is_read_and_changed_like_others(world: World) {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Alone {
        only: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<u32>,
    }
    let store = world.open().await;
    for only in ["a".repeat(900), "b".repeat(600), "c".to_owned(), "d".repeat(900)] {
        let with = |next: Option<u32>| Alone { only: only.clone(), next };
        // The same again, then with another member, and without it.
        for document in [with(None), with(None), with(Some(1)), with(Some(2)), with(None)] {
            let decide = |_: Option<Alone>| {
                let document = document.clone();
                (Decision::Put { document, what: "put", facts: None, look_ups: vec![] }, ())
            };
            store.change(&key("a"), &cause("r1"), decide).await.unwrap();
            assert_eq!(store.get::<Alone>(&key("a")).await.unwrap(), Some(document));
        }
        let append = |known: Option<String>| {
            assert_eq!(known.as_ref(), Some(&only));
            let document = format!("{only}!");
            (Decision::Put { document, what: "part", facts: None, look_ups: vec![] }, ())
        };
        store.change_member(&key("a"), "only", &cause("r2"), append).await.unwrap();
        let changed = Alone { only: format!("{only}!"), next: None };
        assert_eq!(store.get::<Alone>(&key("a")).await.unwrap(), Some(changed));
    }
}

async fn what_stands_apart_opens_in_no_other_place(world: World) {
    let store = world.open().await;
    for id in ["a", "b"] {
        let decide = |_: Option<Parts>| {
            let person = |card: String| Person { card: Pii::new(card), phone: None };
            let document = Parts { who: person(id.repeat(900)), next: person("E2".to_owned()) };
            (Decision::Put { document, what: "put", facts: None, look_ups: vec![] }, ())
        };
        store.change(&key(id), &cause("r1"), decide).await.unwrap();
    }
    assert!(store.get::<Parts>(&key("b")).await.is_ok());
    world.run(match world {
        World::Sqlite(_) => {
            "UPDATE body SET text = (SELECT o.text FROM body o JOIN aggregate a ON a.body = o.id \
             WHERE a.id = 'a')"
        }
        World::Postgres(_) => "UPDATE body SET text = (SELECT o.text FROM body o WHERE o.id = 'a')",
    });
    assert!(store.get::<Parts>(&key("a")).await.is_ok());
    let moved = store.get::<Parts>(&key("b")).await;
    assert!(matches!(moved, Err(Error::Sealed(_))), "{moved:?}");
}

async fn all_of_a_document_and_a_member_are_read_at_once(world: World) {
    const MANY: usize = 40;
    let store = Arc::new(change_one_member(&world, &"E1".repeat(300)).await);
    let next = store.get::<Parts>(&key("a")).await.unwrap().unwrap().next;
    let readers = (0..MANY).map(|at| {
        let (store, next) = (Arc::clone(&store), next.clone());
        tokio::spawn(async move {
            if at % 2 == 0 {
                assert_eq!(store.get::<Parts>(&key("a")).await.unwrap().unwrap().next, next);
                return;
            }
            let keep =
                |known: Option<Person>| (Decision::Keep, assert_eq!(known, Some(next.clone())));
            store.change_member(&key("a"), "next", &cause("r"), keep).await.unwrap();
        })
    });
    for reader in readers.collect::<Vec<_>>() {
        reader.await.unwrap();
    }
}

async fn what_stands_apart_is_sealed_anew_with_the_rest(world: World) {
    let store = world.open().await;
    let person = |card: &str| Person { card: Pii::new(card.to_owned()), phone: None };
    let whole = Parts { who: person(&"E1".repeat(300)), next: person("E2") };
    let decide = |_: Option<Parts>| {
        let document = whole.clone();
        (Decision::Put { document, what: "put", facts: None, look_ups: vec![] }, ())
    };
    store.change(&key("a"), &cause("r1"), decide).await.unwrap();
    let (_, before, _) = world.lengths();
    assert!(before.is_some_and(|bytes| bytes > 600), "{before:?}");
    store.add_key(None).await.unwrap();
    let counts = async || {
        let done = store.reseal().await.unwrap();
        (done.count, done.failed.len())
    };
    assert_eq!(counts().await, (1, 0));
    assert_eq!(counts().await, (0, 0));
    let (_, after, _) = world.lengths();
    assert!(after.is_some_and(|bytes| bytes > 600), "{after:?}");
    assert_eq!(store.get::<Parts>(&key("a")).await.unwrap(), Some(whole));
}

async fn what_is_read_again_is_what_was_committed_last(world: World) {
    let here = world.open().await.keeping_documents(1 << 20);
    let elsewhere = world.open().await;
    let (ours, others) = (key("ours"), key("others"));
    assert_eq!(here.read::<Document>(&ours).await.unwrap(), None);
    let mut last = None;
    for turn in 1..=60 {
        let store = if turn % 3 == 0 { &here } else { &elsewhere };
        add_one(store, &ours, "r").await.unwrap();
        let read = here.read::<Document>(&ours).await.unwrap().unwrap();
        assert_eq!((read.version, read.document.count), (i64::from(turn), turn as u32));
        // A change of something else is no news of this.
        add_one(&elsewhere, &others, "r").await.unwrap();
        let again = here.read::<Document>(&ours).await.unwrap().unwrap();
        assert_eq!(again, read);
        assert!(std::ptr::eq(&*again, &*read), "it was read anew");
        assert_ne!(last, Some(read.version));
        last = Some(read.version);
    }
}

#[tokio::test]
async fn what_a_server_gives_a_known_version_to_is_read_anew() {
    let world = World::Postgres(postgres::database());
    let store = world.open().await.keeping_documents(1 << 20);
    let read = async || {
        let read = store.read::<Document>(&key("a")).await.unwrap().unwrap();
        (read.version, read.document.count)
    };
    add_one(&store, &key("a"), "r").await.unwrap();
    assert_eq!(read().await, (1, 1));
    // As one that takes over and never had it.
    world.run("DELETE FROM aggregate; DELETE FROM body; DELETE FROM journal");
    store.change(&key("a"), &cause("s"), |_: Option<Document>| (put(7, vec![]), ())).await.unwrap();
    assert_eq!(read().await, (1, 7));
    // And one that has had more.
    world.run("UPDATE aggregate SET version = 2");
    assert_eq!(read().await, (2, 7));
}

async fn a_reader_never_goes_back_behind_what_was_acknowledged(world: World) {
    const CHANGES: i64 = 300;
    let here = world.open().await.keeping_documents(1 << 20);
    let elsewhere = world.open().await;
    let acknowledged = Arc::new(AtomicI64::new(0));
    let told = Arc::clone(&acknowledged);
    let writing = tokio::spawn(async move {
        for _ in 0..CHANGES {
            let count = add_one(&elsewhere, &key("a"), "r").await.unwrap();
            told.store(count.into(), Ordering::SeqCst);
        }
    });
    let mut reads = 0;
    while acknowledged.load(Ordering::SeqCst) < CHANGES {
        let least = acknowledged.load(Ordering::SeqCst);
        let read = here.read::<Document>(&key("a")).await.unwrap();
        let version = read.map_or(0, |read| read.version);
        assert!(version >= least, "{version} after {least} was acknowledged");
        reads += 1;
        tokio::task::yield_now().await;
    }
    writing.await.unwrap();
    assert!(reads > 10, "{reads}");
}

async fn changes_racing_for_one_aggregate_all_count_once(world: World) {
    const CALLERS: u32 = 8;
    const EACH: u32 = 25;
    // Two stores on one file are two processes as far as SQLite knows.
    let stores = [Arc::new(world.open().await), Arc::new(world.open().await)];
    let callers = (0..CALLERS).map(|caller| {
        let store = Arc::clone(&stores[caller as usize % 2]);
        tokio::spawn(async move {
            let mut done = 0;
            while done < EACH {
                match add_one(&store, &key("a"), &format!("{caller}-{done}")).await {
                    Ok(_) => done += 1,
                    Err(Error::Contended) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    assert_eq!(count(&stores[0], &key("a")).await, Some(CALLERS * EACH));
    let story = stores[1].journal(&key("a")).await.unwrap();
    let versions: Vec<_> = story.iter().rev().map(|entry| entry.version).collect();
    assert_eq!(versions, (1..=i64::from(CALLERS * EACH)).collect::<Vec<_>>());
}

async fn a_number_belongs_to_one_aggregate_of_its_owner(world: World) {
    let store = world.open().await;
    let ticket = || vec![LookUp { name: "ticket", value: "781-1".into() }];
    let claim = async |key: &Key| {
        store.change(key, &cause("r"), |_: Option<Document>| (put(1, ticket()), ())).await
    };
    claim(&key("a")).await.unwrap();
    claim(&key("a")).await.unwrap();
    assert_eq!(store.find("app/one", "thing", &ticket()[0]).await.unwrap(), Some(key("a")));
    let refused = claim(&key("b")).await.unwrap_err();
    assert!(matches!(refused, Error::Taken { name: "ticket", .. }), "{refused}");
    assert_eq!(count(&store, &key("b")).await, None);
    assert!(store.journal(&key("b")).await.unwrap().is_empty());

    let elsewhere = Key { owner: "app/two".into(), ..key("b") };
    claim(&elsewhere).await.unwrap();
    let other_kind = Key { kind: "other", ..key("b") };
    claim(&other_kind).await.unwrap();
    assert_eq!(store.find("app/three", "thing", &ticket()[0]).await.unwrap(), None);
}

async fn one_failure_in_a_group_leaves_the_others_alone(world: World) {
    let store = Arc::new(world.open().await);
    let number = || vec![LookUp { name: "n", value: "1".into() }];
    let callers: Vec<_> = (0..64)
        .map(|id| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let decide = |_: Option<Document>| (put(1, number()), ());
                store.change(&key(&id.to_string()), &cause("r"), decide).await.is_ok()
            })
        })
        .collect();
    let mut winners = 0;
    for (id, caller) in callers.into_iter().enumerate() {
        let won = caller.await.unwrap();
        winners += u32::from(won);
        assert_eq!(count(&store, &key(&id.to_string())).await, won.then_some(1));
    }
    assert_eq!(winners, 1);
}

async fn what_was_acknowledged_is_there_after_closing_and_only_opens_with_its_key(world: World) {
    let store = world.open().await;
    add_one(&store, &key("a"), "r").await.unwrap();
    store.close().await;

    let other = world.open_with(&SealingKey::generate()).await;
    assert!(matches!(other.err(), Some(Error::OtherKey { .. })));
    assert_eq!(count(&world.open().await, &key("a")).await, Some(1));
}

#[tokio::test]
async fn no_personal_data_stands_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    add_one(&store, &key("a"), "r").await.unwrap();
    put_app(&store, "test").await;
    store.put_session(&session("test", "token-in-the-clear")).await.unwrap();
    let bytes = files(folder.path());
    assert!(bytes.len() > 10_000);
    for clear in [NAME, "secret-in-the-clear", "token-in-the-clear"] {
        let found = bytes.windows(clear.len()).any(|window| window == clear.as_bytes());
        assert!(!found, "{clear} stands in the files");
    }
}

fn app(key: &str) -> App {
    App {
        sub_channels: ["corp001".parse().unwrap()].into(),
        ..App::new(key.parse().unwrap(), Pii::new("secret-in-the-clear".into()))
    }
}

fn session(app: &str, token: &str) -> Session {
    Session {
        app: app.parse().unwrap(),
        token: Pii::new(token.into()),
        created_at: at("2026-01-01T00:00:00Z"),
        expires_at: at("2027-01-01T00:00:00Z"),
        revoked_at: None,
        grant: None,
    }
}

async fn put_app(store: &Store, key: &str) {
    let put = |_| Ok::<_, Error>(app(key));
    store.change_app(&key.parse().unwrap(), put).await.unwrap();
}

async fn of_two_changes_to_an_app_at_once_both_hold(world: World) {
    let (ours, theirs) = (world.open().await, world.open().await);
    let key = "test".parse().unwrap();
    // Another adds it between the look and the write, and then another revokes it.
    let mut seen = Vec::new();
    for _ in 0..2 {
        let mut is_first = true;
        let changed = ours.change_app(&key, |known: Option<App>| {
            seen.push(known.is_some());
            if std::mem::take(&mut is_first) {
                let revoke = |known: Option<App>| {
                    let mut app = known.unwrap_or_else(|| app("test"));
                    app.revoked_at.get_or_insert(at("2026-01-01T00:00:00Z"));
                    Ok::<_, Error>(app)
                };
                let runtime = tokio::runtime::Runtime::new().unwrap();
                let other = || runtime.block_on(theirs.change_app(&key, revoke)).unwrap();
                std::thread::scope(|scope| scope.spawn(other).join().unwrap());
                runtime.shutdown_background();
            }
            Ok::<_, Error>(App { lenient: true, ..known.unwrap_or_else(|| app("test")) })
        });
        let changed = changed.await.unwrap();
        assert!(changed.lenient && changed.revoked_at.is_some());
        assert_eq!(ours.app(&key).await.unwrap(), Some(changed));
    }
    assert_eq!(seen[..2], [false, true]);
}

async fn apps_and_sessions_are_kept_and_a_token_opens_only_its_own_app(world: World) {
    let store = world.open().await;
    put_app(&store, "b").await;
    put_app(&store, "a").await;
    assert_eq!(store.apps().await.unwrap(), [app("a"), app("b")]);
    assert_eq!(store.app(&"b".parse().unwrap()).await.unwrap(), Some(app("b")));
    assert_eq!(store.app(&"c".parse().unwrap()).await.unwrap(), None);

    store.put_session(&session("a", "t1")).await.unwrap();
    store.put_session(&session("a", "t2")).await.unwrap();
    let a = "a".parse().unwrap();
    assert_eq!(store.session(&a, "t1").await.unwrap(), Some(session("a", "t1")));
    assert_eq!(store.session(&"b".parse().unwrap(), "t1").await.unwrap(), None);
    assert_eq!(store.sessions(&a).await.unwrap().len(), 2);
}

/// A newer program's schema is worked with as long as it only added what we need not know.
async fn a_database_from_the_future_is_left_alone_when_we_would_miss_something(world: World) {
    let store = world.open().await;
    add_one(&store, &key("a"), "r").await.unwrap();
    store.close().await;
    world.grow_schema(98, 1);
    let store = world.open().await;
    assert_eq!(add_one(&store, &key("a"), "r").await.unwrap(), 2);
    store.close().await;
    world.grow_schema(99, 99);
    let refused = world.open_with(&sealing_key()).await.err();
    assert!(matches!(refused, Some(Error::SchemaTooNew { found: 99, .. })), "{refused:?}");
}

/// Whoever loses an answer asks again only after it has looked whether it was done: each change counts
/// once, though connections are cut all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_change_counts_once_though_connections_are_lost() {
    const CALLERS: u32 = 8;
    const EACH: u32 = 150;
    // A commit that waits for a standby that is not there is done, and its answer lost when it is cut.
    const CUT: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let server = Arc::new(postgres::Server::start(&["fsync=off"]));
    let url = server.database();
    let store = Arc::new(World::Postgres(url.clone()).open().await);
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let cutter = {
        let (url, done, server) = (url.clone(), Arc::clone(&done), Arc::clone(&server));
        std::thread::spawn(move || {
            let mut cut = 0;
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                server.hold_commits(&url);
                std::thread::sleep(std::time::Duration::from_millis(20));
                let answer = String::from_utf8(server.psql(&url, CUT)).unwrap();
                cut += answer.trim().parse::<u32>().unwrap();
                server.let_commits_go(&url);
                std::thread::sleep(std::time::Duration::from_millis(40));
            }
            cut
        })
    };
    let callers = (0..CALLERS).map(|caller| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            // Half of them are alone with their aggregate, half meet others at one.
            let key = key(&if caller % 2 == 0 { "shared".to_owned() } else { caller.to_string() });
            let (mut counted, mut unknown) = (0, 0);
            for at in 0..EACH {
                match add_one(&store, &key, &format!("{caller}-{at}")).await {
                    Ok(_) => counted += 1,
                    Err(Error::Unknown(_)) => unknown += 1,
                    Err(Error::NotCommitted(_) | Error::Contended) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
            (key, counted, unknown)
        })
    });
    let mut told = std::collections::BTreeMap::new();
    for caller in callers.collect::<Vec<_>>() {
        let (key, counted, unknown) = caller.await.unwrap();
        let told = told.entry(key.id).or_insert((0, 0));
        (told.0, told.1) = (told.0 + counted, told.1 + unknown);
    }
    done.store(true, std::sync::atomic::Ordering::SeqCst);
    let cut = cutter.join().unwrap();
    assert!(cut > 20, "only {cut} connections were cut");
    for (id, (counted, unknown)) in told {
        let found = count(&store, &key(&id)).await.unwrap_or_default();
        assert!((counted..=counted + unknown).contains(&found), "{id}: {found}, told {counted}");
        assert!(counted > EACH / 2, "{id}: little was done: {counted}");
    }
}

/// A commit is done on one server and its standby has not got it: PostgreSQL acknowledges it all the same
/// when the wait is cancelled, and closes the connection when it is ended. Neither is believed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_that_no_standby_has_is_not_believed() {
    let server = postgres::Server::start(&["fsync=off"]);
    let url = server.database();
    let store = Arc::new(World::Postgres(url.clone()).open().await);
    add_one(&store, &key("a"), "r0").await.unwrap();
    put_app(&store, "test").await;
    for how in ["pg_cancel_backend", "pg_terminate_backend"] {
        server.hold_commits(&url);
        let changing = {
            let (store, how) = (Arc::clone(&store), how.to_owned());
            tokio::spawn(async move { add_one(&store, &key("a"), &how).await })
        };
        let revoking = {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let revoke = |known: Option<App>| {
                    let revoked_at = Some(at("2026-01-01T00:00:00Z"));
                    Ok::<_, Error>(App { revoked_at, ..known.unwrap() })
                };
                store.change_app(&"test".parse().unwrap(), revoke).await
            })
        };
        let waiting =
            format!("SELECT count({how}(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
        let mut stopped = 0;
        while stopped < 2 {
            std::thread::sleep(std::time::Duration::from_millis(20));
            let answer = String::from_utf8(server.psql(&url, &waiting)).unwrap();
            stopped += answer.trim().parse::<u32>().unwrap();
        }
        let told = changing.await.unwrap();
        assert!(matches!(told, Err(Error::Unknown(_))), "{how}: {told:?}");
        let told = revoking.await.unwrap();
        assert!(matches!(told, Err(Error::Unknown(_))), "{how}: {told:?}");
        server.let_commits_go(&url);
        // Once commits are what they say, asking again tells.
        assert!(count(&store, &key("a")).await.is_some());
        add_one(&store, &key("a"), &format!("{how} again")).await.unwrap();
    }
}

/// The answer of a commit is lost, and sending it again meets an error: the first time still counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_error_on_the_way_back_does_not_forget_a_doubt() {
    const NO_ROOM: &str = "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF EXISTS (SELECT 1 FROM aggregate a WHERE a.owner = NEW.owner AND a.kind = NEW.kind
                   AND a.id = NEW.id AND a.version = NEW.version)
        THEN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END IF;
        RETURN NEW; END $$;
        CREATE TRIGGER no_room BEFORE INSERT ON aggregate FOR EACH ROW EXECUTE FUNCTION no_room()";
    let server = postgres::Server::start(&["fsync=off"]);
    let url = server.database();
    let store = Arc::new(World::Postgres(url.clone()).open().await);
    server.psql(&url, NO_ROOM);
    server.hold_commits(&url);
    let adding: Vec<_> = (0..24)
        .map(|at| {
            let store = Arc::clone(&store);
            tokio::spawn(
                async move { add_one(&store, &key(&at.to_string()), &at.to_string()).await },
            )
        })
        .collect();
    const CUT: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    // The first goes alone, those that came meanwhile together.
    let began = std::time::Instant::now();
    while began.elapsed() < std::time::Duration::from_secs(3) {
        std::thread::sleep(std::time::Duration::from_millis(100));
        server.psql(&url, CUT);
    }
    server.let_commits_go(&url);
    let mut done = 0;
    for (at, adding) in adding.into_iter().enumerate() {
        let (told, key) = (adding.await.unwrap(), key(&at.to_string()));
        let found = count(&store, &key).await;
        match told {
            Ok(_) => assert_eq!(found, Some(1), "{at}"),
            Err(Error::Unknown(_)) => assert_ne!(found, Some(2), "{at}"),
            Err(Error::NotCommitted(_)) => assert_eq!(found, None, "{at}"),
            Err(error) => panic!("{error:?}"),
        }
        done += u32::from(found.is_some());
    }
    assert!(done > 0, "nothing was committed, so nothing was in doubt");
}

/// A number that a change names twice is claimed once.
async fn a_number_named_twice_is_claimed_once(world: World) {
    let store = world.open().await;
    let twice =
        || vec![LookUp { name: "n", value: "1".into() }, LookUp { name: "n", value: "1".into() }];
    let claim = |_: Option<Document>| (put(1, twice()), ());
    store.change(&key("a"), &cause("r"), claim).await.unwrap();
    assert_eq!(store.find("app/one", "thing", &twice()[0]).await.unwrap(), Some(key("a")));
}

/// A host that takes connections and says nothing does not hide the one that works.
#[tokio::test]
async fn a_host_that_says_nothing_does_not_hide_the_others() {
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = postgres::Server::start_on(port, &["fsync=off", "listen_addresses=127.0.0.1"]);
    let database = server.database();
    let name = database.split(['/', '?']).nth(3).unwrap();
    let deaf_port = deaf.local_addr().unwrap().port();
    let url = format!("postgres://tripwright@127.0.0.1:{deaf_port},127.0.0.1:{port}/{name}");
    let sealing = sealing_key();
    let opened = Store::open_postgres(&url, &sealing, true);
    let store = tokio::time::timeout(std::time::Duration::from_secs(8), opened).await;
    let store = store.expect("the second host is found").unwrap();
    assert_eq!(add_one(&store, &key("a"), "r").await.unwrap(), 1);
}

/// Makes an authority, and a certificate for 127.0.0.1 that it signs, readable by the server.
fn certify(folder: &Path) {
    const SCRIPT: &str = "set -e; cd \"$1\"
        new() { openssl req -newkey rsa:2048 -nodes -keyout $1.key -subj /CN=$1 \"${@:2}\" 2>/dev/null; }
        new ca -x509 -days 2 -out ca.pem
        new server -out server.csr
        echo 'subjectAltName=IP:127.0.0.1' > names
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
            -extfile names -out server.pem 2>/dev/null
        chmod 600 server.key; chmod 755 .
        if [ $(id -u) = 0 ]; then chown nobody:nogroup server.key server.pem; fi";
    let mut command = std::process::Command::new("bash");
    let made = command.args(["-c", SCRIPT, "certify"]).arg(folder).status().unwrap();
    assert!(made.success(), "openssl; the README's test command installs what is missing");
}

#[tokio::test]
async fn a_server_elsewhere_must_have_a_certificate_of_an_authority_that_is_trusted() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    certify(folder.path());
    certify(other.path());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (certificate, key) = (
        format!("ssl_cert_file={}", file("server.pem")),
        format!("ssl_key_file={}", file("server.key")),
    );
    let server = postgres::Server::start_on(
        port,
        &["fsync=off", "ssl=on", &certificate, &key, "listen_addresses=127.0.0.1"],
    );
    let database = server.database();
    let name = database.split(['/', '?']).nth(3).unwrap().to_owned();
    let open = async |mode: &str, root: &Path| {
        let root = root.join("ca.pem");
        let url = format!(
            "postgres://tripwright@127.0.0.1:{port}/{name}?sslmode={mode}&sslrootcert={}",
            root.display()
        );
        Store::open_postgres(&url, &sealing_key(), true).await
    };
    let store = open("require", folder.path()).await.unwrap();
    add_one(&store, &self::key("a"), "r").await.unwrap();
    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE client_addr IS NOT NULL";
    assert_eq!(server.psql(&database, encrypted), b"t\n");
    let refused = open("require", other.path()).await.err().unwrap();
    assert!(format!("{refused:?}").contains("invalid peer certificate"), "{refused:?}");
    assert_eq!(
        count(&open("disable", other.path()).await.unwrap(), &self::key("a")).await,
        Some(1)
    );
}

async fn gateways_tell_each_other_how_often_apps_have_called(world: World) {
    let (ours, theirs) = (world.open().await, world.open().await);
    let usage = |gateway: &str, calls| Usage {
        app: "few".into(),
        gateway: gateway.into(),
        calls,
        calls_in_second: 2,
        at_ms: 1_700_000_000_000,
    };
    let share = async |store: &Store, day, usage: Vec<Usage>| {
        let mut all = store.share_usage(day, usage).await.unwrap();
        all.sort_by(|a, b| a.gateway.cmp(&b.gateway));
        all
    };
    assert_eq!(share(&ours, 2_026_060, vec![usage("a", 1)]).await, [usage("a", 1)]);
    let both = [usage("a", 1), usage("b", 5)];
    assert_eq!(share(&theirs, 2_026_060, vec![usage("b", 5)]).await, both);
    assert_eq!(share(&ours, 2_026_060, vec![usage("a", 7)]).await, [usage("a", 7), usage("b", 5)]);
    // The next day begins anew, and what is long past is forgotten.
    assert_eq!(share(&ours, 2_026_061, vec![usage("a", 1)]).await, [usage("a", 1)]);
    assert_eq!(share(&theirs, 2_026_060, vec![]).await.len(), 2);
    share(&ours, 2_026_062, vec![usage("a", 1)]).await;
    assert_eq!(share(&theirs, 2_026_060, vec![]).await, []);
}

async fn another_process_notices_a_changed_app_and_nothing_else(world: World) {
    let (ours, theirs) = (world.open().await, world.open().await);
    let before = ours.access_epoch().await.unwrap();
    add_one(&theirs, &key("a"), "r").await.unwrap();
    theirs.probe().await.unwrap();
    assert_eq!(ours.access_epoch().await.unwrap(), before);
    put_app(&theirs, "test").await;
    assert_eq!(ours.access_epoch().await.unwrap(), before + 1);
    theirs.put_session(&session("test", "t")).await.unwrap();
    assert_eq!(ours.access_epoch().await.unwrap(), before + 2);
}

/// A consent whose code has this digest.
fn consented(code: &str) -> Grant {
    let (until, redirect_uri) =
        (at("2026-03-01T00:10:00Z"), "https://a.example/cb".parse().unwrap());
    let code = Code { digest: Digest(code.into()), until, redirect_uri, challenge: None };
    Grant::consent(Pii::new(NAME.into()), code)
}

async fn a_code_is_redeemed_once_however_many_ask_at_once(world: World) {
    const ASKING: u8 = 8;
    let ours = Arc::new(world.open().await);
    let theirs = Arc::new(world.open().await);
    let key = Key { kind: "grant", owner: "app/-".into(), id: "g".into() };
    let consent = |_: Option<Grant>| {
        (
            Decision::Put {
                document: consented("c"),
                what: "consent",
                facts: None,
                look_ups: vec![],
            },
            (),
        )
    };
    ours.change(&key, &cause("r"), consent).await.unwrap();
    let asking = (0..ASKING).map(|number| {
        let store = Arc::clone(if number % 2 == 0 { &ours } else { &theirs });
        let key = key.clone();
        tokio::spawn(async move {
            let fresh = Fresh {
                token: Pii::new(format!("token-in-the-clear-{number}")),
                refresh: Digest(format!("r{number}")),
                refresh_until: at("2026-06-01T00:00:00Z"),
            };
            let decide = |grant: Option<Grant>| {
                let now = at("2026-03-01T00:05:00Z");
                match grant.unwrap().redeem(&Digest("c".into()), None, None, fresh.clone(), now) {
                    Ok(document) => {
                        let what = "redeem";
                        (
                            Decision::Put { document, what, facts: None, look_ups: vec![] },
                            Ok(number),
                        )
                    }
                    Err(refusal) => (Decision::Keep, Err(refusal)),
                }
            };
            store.change(&key, &cause(&format!("r{number}")), decide).await.unwrap()
        })
    });
    let asking: Vec<_> = asking.collect();
    let mut won = Vec::new();
    for one in asking {
        match one.await.unwrap() {
            Ok(number) => won.push(number),
            Err(refusal) => assert_eq!(refusal, Refusal::Reused),
        }
    }
    assert_eq!(won.len(), 1);
    let grant: Grant = theirs.get(&key).await.unwrap().unwrap();
    assert_eq!(grant.tokens()[0].0.expose(), &format!("token-in-the-clear-{}", won[0]));
    let story = ours.journal(&key).await.unwrap();
    let story: Vec<_> = story.into_iter().map(|entry| entry.what).collect();
    assert_eq!(story, ["redeem", "consent"]);
    // Neither who consented nor what was given for it can be read by whoever holds the files.
    let files = world.files();
    for clear in [NAME, "token-in-the-clear"] {
        assert!(!files.windows(clear.len()).any(|part| part == clear.as_bytes()), "{clear}");
    }
}

async fn aggregates_of_a_kind_are_listed_in_pages(world: World) {
    let store = world.open().await;
    for id in ["c", "a", "b"] {
        add_one(&store, &key(id), "r").await.unwrap();
    }
    let pair = |id: &str| ("app/one".to_owned(), id.to_owned());
    assert_eq!(store.list("thing", None, 2).await.unwrap(), [pair("a"), pair("b")]);
    assert_eq!(store.list_of("app/one", "thing", None, 2).await.unwrap(), ["a", "b"]);
    assert_eq!(store.list_of("app/one", "thing", Some("a"), 9).await.unwrap()[0], "b");
    assert!(store.list_of("app/on", "thing", None, 9).await.unwrap().is_empty());
    assert!(store.list_of("app/one", "other", None, 9).await.unwrap().is_empty());
    let rest = store.list("thing", Some(("app/one", "b")), 2).await.unwrap();
    assert_eq!(rest, [pair("c")]);
    assert!(store.list("other", None, 2).await.unwrap().is_empty());
    let elsewhere = [("app/one", "other"), ("app/two", "thing")];
    for (owner, kind) in elsewhere {
        let key = Key { kind, owner: owner.to_owned(), id: "a".into() };
        add_one(&store, &key, "r").await.unwrap();
    }
    let held = |owner: &str, kind: &str| (owner.to_owned(), kind.to_owned());
    let all = [("app/one", "other"), ("app/one", "thing"), ("app/two", "thing")];
    let all = all.map(|(owner, kind)| held(owner, kind));
    assert_eq!(store.holdings(None, 9).await.unwrap(), all);
    assert_eq!(store.holdings(None, 2).await.unwrap(), all[..2]);
    let after = store.holdings(Some(("app/one", "other")), 9).await.unwrap();
    assert_eq!(after, all[1..]);
    assert!(store.holdings(Some(("app/two", "thing")), 9).await.unwrap().is_empty());
}

/// Everything that stands in the files of a folder.
fn files(folder: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap();
    files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

async fn key_in_use(store: &Store) -> String {
    store.keys().await.unwrap().into_iter().find(|key| key.seals).unwrap().id
}

async fn keys_are_rotated_while_others_write_and_nothing_is_lost(world: World) {
    const CALLERS: u32 = 4;
    const EACH: u32 = 100;
    let ours = world.open().await;
    put_app(&ours, "test").await;
    ours.put_session(&session("test", "token-in-the-clear")).await.unwrap();
    let journalled = |_: Option<Document>| {
        let document = Document { about: about(), count: 0, name: Pii::new(NAME.into()) };
        let facts = Some(serde_json::json!({"who": {"$pii": NAME}}));
        (Decision::Put { document, what: "count", facts, look_ups: vec![] }, ())
    };
    ours.change(&key("told"), &cause("r"), journalled).await.unwrap();
    ours.put_calls(&[noted(1, "told")]).await.unwrap();
    let first = key_in_use(&ours).await;

    let theirs = Arc::new(world.open().await);
    let callers = (0..CALLERS).map(|caller| {
        let store = Arc::clone(&theirs);
        tokio::spawn(async move {
            for done in 0..EACH {
                let id = format!("{caller}-{}", done % 10);
                add_one(&store, &key(&id), "r").await.unwrap();
                if done % 10 == 0 {
                    store.take_up_keys().await.unwrap();
                }
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    for _ in 0..3 {
        ours.add_key(None).await.unwrap();
        ours.reseal().await.unwrap();
    }
    for caller in callers {
        caller.await.unwrap();
    }
    ours.reseal().await.unwrap();
    assert_eq!(ours.reseal().await.unwrap().count, 0);
    for caller in 0..CALLERS {
        for id in 0..10 {
            assert_eq!(count(&ours, &key(&format!("{caller}-{id}"))).await, Some(EACH / 10));
        }
    }
    let app = "test".parse().unwrap();
    assert!(ours.session(&app, "token-in-the-clear").await.unwrap().is_some());
    assert!(ours.app(&app).await.unwrap().is_some());
    assert_eq!(
        ours.journal(&key("told")).await.unwrap()[0].facts.as_ref().unwrap()["who"]["$pii"],
        NAME
    );
    assert_eq!(ours.call("told").await.unwrap(), Some(noted(1, "told")));
    assert_eq!(ours.keys().await.unwrap().len(), 4);
    // What the first key sealed is gone from every table, pages set free included.
    Arc::into_inner(theirs).unwrap().close().await;
    ours.close().await;
    if let World::Sqlite(folder) = &world {
        let connection = rusqlite::Connection::open(folder.path().join("t.db")).unwrap();
        connection.execute_batch("VACUUM").unwrap();
    }
    let mark = format!("v1.{first}.");
    assert!(!world.files().windows(mark.len()).any(|window| window == mark.as_bytes()));
}

/// Keys are only ever made and withdrawn so that every operator's key there is opens everything.
async fn no_order_of_rotations_locks_anybody_out(world: World) {
    let (ours, next, other) = (world.open().await, SealingKey::generate(), SealingKey::generate());
    add_one(&ours, &key("a"), "r").await.unwrap();
    ours.add_key(Some(&next)).await.unwrap();
    // Asked again, it goes on where it was.
    ours.add_key(Some(&next)).await.unwrap();
    assert_eq!(ours.keys().await.unwrap().len(), 2);
    let under_next = world.open_with(&next).await.unwrap();
    for store in [&ours, &under_next] {
        for another in [None, Some(&other)] {
            let refused = store.add_key(another).await.unwrap_err();
            assert!(matches!(refused, Error::KeysInUse), "{refused}");
        }
    }
    under_next.retire_other_keys().await.unwrap();
    // Whoever has the withdrawn key can neither make nor take away.
    let refused = ours.add_key(None).await.unwrap_err();
    assert!(matches!(refused, Error::OtherKey { .. }), "{refused}");
    let refused = ours.retire_other_keys().await.unwrap_err();
    assert!(matches!(refused, Error::KeysInUse), "{refused}");
    under_next.add_key(None).await.unwrap();
    assert_eq!(under_next.reseal().await.unwrap().count, 1);
    let again = world.open_with(&next).await.unwrap();
    assert_eq!(count(&again, &key("a")).await, Some(1));
}

async fn of_two_rotations_at_once_one_gives_way(world: World) {
    let stores = [Arc::new(world.open().await), Arc::new(world.open().await)];
    add_one(&stores[0], &key("a"), "r").await.unwrap();
    for round in 0..10 {
        let made = stores.iter().map(|store| {
            let store = Arc::clone(store);
            tokio::spawn(async move { store.add_key(None).await })
        });
        for made in made.collect::<Vec<_>>() {
            let made = made.await.unwrap();
            assert!(matches!(made, Ok(()) | Err(Error::KeysInUse)), "{made:?}");
        }
        let keys = stores[0].keys().await.unwrap();
        assert!(keys.iter().all(|key| key.opened_by.len() == 1), "{keys:?}");
        for store in &stores {
            add_one(store, &key("a"), &format!("{round}")).await.unwrap();
        }
    }
    assert_eq!(count(&stores[1], &key("a")).await, Some(21));
}

/// More than one batch of each table, and one document that is damaged among them.
async fn everything_is_sealed_anew_but_what_is_damaged(world: World) {
    const MANY: usize = 150;
    let store = world.open().await;
    for at in 0..MANY {
        let decide = |_: Option<Document>| {
            let document = Document { about: about(), count: 0, name: Pii::new(NAME.into()) };
            let facts = Some(serde_json::json!({"who": {"$pii": NAME}}));
            (Decision::Put { document, what: "count", facts, look_ups: vec![] }, ())
        };
        store.change(&key(&format!("{at:03}")), &cause("r"), decide).await.unwrap();
        put_app(&store, &format!("app-{at}")).await;
        store.put_session(&session("test", &format!("token-{at}"))).await.unwrap();
        store.put_calls(&[noted(at as i64, &format!("r{at}"))]).await.unwrap();
    }
    world.copy_document("071", "070");
    store.add_key(None).await.unwrap();
    let done = store.reseal().await.unwrap();
    assert_eq!((done.count, done.failed.len()), (5 * MANY - 1, 1));
    let first = done.failed[0].to_string();
    assert_eq!(first, "a sealed value of thing app/one 070/name does not open");
    let again = store.reseal().await.unwrap();
    assert_eq!((again.count, again.failed.len()), (0, 1));
    for at in [0, 69, 149] {
        assert_eq!(count(&store, &key(&format!("{at:03}"))).await, Some(0));
        let facts = &store.journal(&key(&format!("{at:03}"))).await.unwrap()[0].facts;
        assert_eq!(facts.as_ref().unwrap()["who"]["$pii"], NAME);
        let token = format!("token-{at}");
        assert!(store.session(&"test".parse().unwrap(), &token).await.unwrap().is_some());
        let call = store.call::<Document>(&format!("r{at}")).await.unwrap().unwrap();
        assert_eq!(call, noted(at as i64, &format!("r{at}")));
    }
}

/// A call with a story.
fn noted(at_ms: i64, request_id: &str) -> (Call, Document) {
    let even = at_ms % 2 == 0;
    let call = Call {
        at_ms,
        request_id: request_id.to_owned(),
        app: even.then(|| "test".to_owned()),
        method: Some(if even { "a.b" } else { "c.d" }.to_owned()),
        outcome: if even { "ok" } else { "rejected" }.to_owned(),
        code: (!even).then_some(27),
        sub_code: (!even).then(|| "invalid-sessionkey".to_owned()),
        result: even.then(|| "code 0".to_owned()),
        cost_us: 13,
        address: "127.0.0.1".to_owned(),
    };
    (call, Document { about: about(), count: 7, name: Pii::new(NAME.into()) })
}

async fn calls_are_listed_newest_first_in_pages_and_by_what_is_asked_for(world: World) {
    let store = world.open().await;
    // Of one moment, too: the request id parts them.
    let put: Vec<_> = (0..10).map(|at| noted(at / 3, &format!("r{at}"))).collect();
    store.put_calls(&put).await.unwrap();
    // Written twice, a call is there once, as it was first.
    let mut again = put[4].clone();
    again.0.outcome = "fault".to_owned();
    store.put_calls(&[again]).await.unwrap();
    let mut expected: Vec<_> = put.iter().map(|(call, _)| call.clone()).collect();
    expected.reverse();
    let all = Calls::default();
    assert_eq!(store.calls(&all, 100).await.unwrap(), expected);
    let mut read: Vec<Call> = Vec::new();
    loop {
        let after = read.last().map(|last| (last.at_ms, last.request_id.clone()));
        let page = store.calls(&Calls { after, ..all.clone() }, 4).await.unwrap();
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    assert_eq!(read, expected);
    let text = |text: &str| Some(text.to_owned());
    for (wanted, is_even) in [
        (Calls { app: text("test"), ..all.clone() }, true),
        (Calls { method: text("c.d"), ..all.clone() }, false),
        (Calls { outcome: text("ok"), ..all.clone() }, true),
        (Calls { sub_code: text("invalid-sessionkey"), ..all.clone() }, false),
    ] {
        let found = store.calls(&wanted, 100).await.unwrap();
        let by_hand = expected.iter().filter(|call| (call.at_ms % 2 == 0) == is_even);
        assert_eq!(found, by_hand.cloned().collect::<Vec<_>>(), "{wanted:?}");
    }
    let none = Calls { app: text("test"), method: text("c.d"), ..all };
    assert!(store.calls(&none, 100).await.unwrap().is_empty());
}

async fn a_calls_story_is_sealed_and_there_for_whoever_opens_the_database_next(world: World) {
    let store = world.open().await;
    let put = noted(2, "r2");
    store.put_calls(std::slice::from_ref(&put)).await.unwrap();
    put_app(&store, "test").await;
    store.close().await;
    let store = world.open().await;
    assert_eq!(store.call("r2").await.unwrap(), Some(put));
    assert_eq!(store.call::<Document>("r3").await.unwrap(), None);
    store.close().await;
    assert!(!world.files().windows(NAME.len()).any(|window| window == NAME.as_bytes()));
}

/// As it was made by a program that knew of no calls.
#[tokio::test]
async fn a_database_of_the_first_schema_grows_when_it_is_told_to() {
    let url = postgres::database();
    let store = Store::open_postgres(&url, &sealing_key(), true).await.unwrap();
    add_one(&store, &key("a"), "r1").await.unwrap();
    store.close().await;
    postgres::psql(&url, "UPDATE aggregate SET document = (SELECT document FROM whole)");
    postgres::psql(&url, "DROP VIEW whole; DROP TABLE body; DROP TABLE call");
    postgres::psql(&url, "DELETE FROM schema_step WHERE step > 1");
    let refused = Store::open_postgres(&url, &sealing_key(), false).await.err();
    assert!(matches!(refused, Some(Error::SchemaTooOld { found: 1, .. })), "{refused:?}");
    let store = Store::open_postgres(&url, &sealing_key(), true).await.unwrap();
    store.put_calls(&[noted(1, "r")]).await.unwrap();
    assert_eq!(store.call("r").await.unwrap(), Some(noted(1, "r")));
    assert_eq!(add_one(&store, &key("a"), "r2").await.unwrap(), 2);
    assert_eq!(count(&store, &key("a")).await, Some(2));
}

async fn only_the_newest_calls_are_kept(world: World) {
    // More than are forgotten at once.
    const MANY: i64 = 2500;
    let store = world.open().await;
    let put: Vec<_> = (0..MANY).map(|at| noted(at / 2, &format!("{at:05}"))).collect();
    store.put_calls(&put).await.unwrap();
    let ids = async || {
        let calls = store.calls(&Calls::default(), MANY as usize).await.unwrap();
        calls.into_iter().map(|call| call.request_id).collect::<Vec<_>>()
    };
    store.prune_calls(MANY as usize).await.unwrap();
    assert_eq!(ids().await.len(), MANY as usize);
    store.prune_calls(3).await.unwrap();
    assert_eq!(ids().await.len(), 3);
    store.prune_calls(3).await.unwrap();
    assert_eq!(ids().await, ["02499", "02498", "02497"]);
    assert_eq!(store.call::<Document>("02496").await.unwrap(), None);
}

async fn the_operators_key_is_replaced_without_anybody_standing_still(world: World) {
    let (ours, next) = (world.open().await, SealingKey::generate());
    add_one(&ours, &key("a"), "r").await.unwrap();
    ours.put_session(&session("test", "t")).await.unwrap();
    ours.add_key(Some(&next)).await.unwrap();
    ours.reseal().await.unwrap();
    // Both open it, and what the one seals the other reads.
    let under_next = world.open_with(&next).await.unwrap();
    add_one(&under_next, &key("a"), "r").await.unwrap();
    add_one(&world.open().await, &key("a"), "r").await.unwrap();
    under_next.retire_other_keys().await.unwrap();
    let refused = world.open_with(&sealing_key()).await.err();
    assert!(matches!(refused, Some(Error::OtherKey { .. })), "{refused:?}");
    // Whoever had opened it before goes on.
    assert_eq!(add_one(&ours, &key("a"), "r").await.unwrap(), 4);
    let again = world.open_with(&next).await.unwrap();
    assert_eq!(count(&again, &key("a")).await, Some(4));
    let app = "test".parse().unwrap();
    assert!(again.session(&app, "t").await.unwrap().is_some());
    assert_eq!(again.keyed_hash("p", "x"), ours.keyed_hash("p", "x"));
}

#[tokio::test]
async fn a_database_from_before_keys_were_wrapped_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    let store = open(folder.path());
    store.put_fact("key_id", sealing_key().id()).await.unwrap();
    store.close().await;
    // Such a database had the fact and no keys.
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("DELETE FROM sealing_key").unwrap();
    drop(connection);
    let refused = Store::open_sqlite(&path, &SealingKey::generate()).err();
    assert!(matches!(refused, Some(Error::OtherKey { .. })), "{refused:?}");
    let store = open(folder.path());
    add_one(&store, &key("a"), "r").await.unwrap();
    assert_eq!(key_in_use(&store).await, sealing_key().id());
    let hash = store.keyed_hash("p", "x");
    store.add_key(None).await.unwrap();
    assert_eq!(store.reseal().await.unwrap().count, 1);
    assert_eq!(open(folder.path()).keyed_hash("p", "x"), hash);
    assert_eq!(count(&open(folder.path()), &key("a")).await, Some(1));
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Person {
    #[serde(with = "pii::marked_document")]
    card: Pii<String>,
    #[serde(with = "pii::marked_phone")]
    phone: Option<Pii<String>>,
}

async fn a_persons_orders_are_found_by_document_and_phone_of_whichever_owner(world: World) {
    let store = world.open().await;
    let put = async |key: &Key, card: &str, phone: Option<&str>| {
        let decide = |_: Option<Person>| {
            let phone = phone.map(|phone| Pii::new(phone.to_owned()));
            let document = Person { card: Pii::new(card.to_owned()), phone };
            (Decision::Put { document, what: "put", facts: None, look_ups: vec![] }, ())
        };
        store.change(key, &cause("r"), decide).await.unwrap();
    };
    let elsewhere = Key { owner: "app/two".into(), ..key("c") };
    put(&key("a"), "e1234567", Some("13800000001")).await;
    put(&key("b"), "E7654321", Some("+86 138-0000-0001")).await;
    put(&elsewhere, "E1234567", None).await;
    put(&key("b"), "E7654321", Some("13900000002")).await;
    let found = async |by, value: &str| -> Vec<String> {
        let found = store.find_people(by, value).await.unwrap();
        found.into_iter().map(|(kind, owner, id)| format!("{kind}/{owner}/{id}")).collect()
    };
    use pii::Trait::{Document, Phone};
    assert_eq!(found(Document, "E1234567").await, ["thing/app/one/a", "thing/app/two/c"]);
    // A number that an order had once still leads to it.
    assert_eq!(found(Phone, "13800000001").await, ["thing/app/one/a", "thing/app/one/b"]);
    assert_eq!(found(Phone, "13900000002").await, ["thing/app/one/b"]);
    assert_eq!(found(Document, "13900000002").await, [""; 0]);
    assert!(!world.files().windows(8).any(|window| window == b"13800000"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_write_ahead_log_stays_below_its_cap() {
    const CAP_BYTES: u64 = 44 * 1024 * 1024;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    // Somebody always reads, so that a plain checkpoint never gets to the end of the log.
    let path = folder.path().join("t.db");
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (path, stop) = (path.clone(), Arc::clone(&stop));
            std::thread::spawn(move || {
                let connection = rusqlite::Connection::open(path).unwrap();
                while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                    let sum = "SELECT sum(length(document)) FROM aggregate";
                    let _: Option<i64> = connection.query_row(sum, [], |row| row.get(0)).unwrap();
                }
            })
        })
        .collect();
    let long = "x".repeat(60_000);
    let callers: Vec<_> = (0..64)
        .map(|id| {
            let (store, long) = (Arc::clone(&store), long.clone());
            tokio::spawn(async move {
                for count in 0..12 {
                    let decide = |_: Option<Document>| {
                        let document =
                            Document { about: about(), count, name: Pii::new(long.clone()) };
                        let look_ups = vec![];
                        (Decision::Put { document, what: "count", facts: None, look_ups }, ())
                    };
                    store.change(&key(&id.to_string()), &cause("r"), decide).await.unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    stop.store(true, std::sync::atomic::Ordering::SeqCst);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    // 64 × 12 × 80 kB have gone through a log that may hold 16 MB, once as much again where a reader was in the
    // way, and a batch on top.
    let log = std::fs::metadata(folder.path().join("t.db-wal")).unwrap().len();
    assert!(log < CAP_BYTES, "{log} bytes");
}

#[tokio::test]
async fn the_log_is_moved_into_the_database_when_nobody_writes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let long = "x".repeat(60_000);
    for id in 0..100 {
        let decide = |_: Option<Document>| {
            let document = Document { about: about(), count: id, name: Pii::new(long.clone()) };
            (Decision::Put { document, what: "count", facts: None, look_ups: vec![] }, ())
        };
        store.change(&key(&id.to_string()), &cause("r"), decide).await.unwrap();
    }
    let path = folder.path().join("t.db");
    let moved = async || {
        while std::fs::metadata(&path).unwrap().len() < 100 * 60_000 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), moved()).await.unwrap();
}

on_both_engines! {
    a_number_named_twice_is_claimed_once,
    a_database_from_the_future_is_left_alone_when_we_would_miss_something,
    gateways_tell_each_other_how_often_apps_have_called,
    a_change_is_read_back_with_its_story,
    what_more_there_is_to_say_is_journalled_and_sealed,
    a_look_passes_over_what_it_does_without,
    deciding_to_keep_writes_nothing,
    changes_racing_for_one_aggregate_all_count_once,
    changing_one_member_is_changing_the_whole_and_leaves_the_rest_as_it_is_stored,
    a_member_changes_alone_beside_one_that_stands_apart,
    a_change_of_all_but_what_stands_apart_leaves_that_as_it_is_stored,
    what_is_loaded_to_be_changed_moves_to_the_newest_key_wherever_it_stands,
    what_a_document_begins_with_is_written_once_and_stands_apart,
    a_document_of_one_large_member_is_read_and_changed_like_others,
    what_stands_apart_opens_in_no_other_place,
    all_of_a_document_and_a_member_are_read_at_once,
    what_stands_apart_is_sealed_anew_with_the_rest,
    what_is_read_again_is_what_was_committed_last,
    a_reader_never_goes_back_behind_what_was_acknowledged,
    a_number_belongs_to_one_aggregate_of_its_owner,
    one_failure_in_a_group_leaves_the_others_alone,
    what_was_acknowledged_is_there_after_closing_and_only_opens_with_its_key,
    of_two_changes_to_an_app_at_once_both_hold,
    a_code_is_redeemed_once_however_many_ask_at_once,
    apps_and_sessions_are_kept_and_a_token_opens_only_its_own_app,
    another_process_notices_a_changed_app_and_nothing_else,
    aggregates_of_a_kind_are_listed_in_pages,
    keys_are_rotated_while_others_write_and_nothing_is_lost,
    no_order_of_rotations_locks_anybody_out,
    of_two_rotations_at_once_one_gives_way,
    everything_is_sealed_anew_but_what_is_damaged,
    calls_are_listed_newest_first_in_pages_and_by_what_is_asked_for,
    a_calls_story_is_sealed_and_there_for_whoever_opens_the_database_next,
    only_the_newest_calls_are_kept,
    the_operators_key_is_replaced_without_anybody_standing_still,
    a_persons_orders_are_found_by_document_and_phone_of_whichever_owner,
}
