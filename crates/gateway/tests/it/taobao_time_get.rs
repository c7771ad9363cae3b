//! `taobao.time.get`

use crate::app::{App, Form};

#[test]
fn the_clock_is_read_in_every_format_with_or_without_a_session() {
    let app = App::start();
    let xml = app.call_as(Form::Xml, "taobao.time.get", &[]).text();
    assert_eq!(
        xml,
        r#"<?xml version="1.0" encoding="utf-8" ?><time_get_response><time>2026-03-01 09:00:00</time><request_id>RID</request_id></time_get_response><!--top.tripwright-->"#
    );
    let json = app.call_as(Form::Json, "taobao.time.get", &[("session", "")]).text();
    assert_eq!(json, r#"{"time_get_response":{"time":"2026-03-01 09:00:00","request_id":"RID"}}"#);
    let simplified = app.call_as(Form::Simplified, "taobao.time.get", &[]).text();
    assert_eq!(simplified, r#"{"time":"2026-03-01 09:00:00","request_id":"RID"}"#);
}
