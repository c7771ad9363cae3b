//! `taobao.appip.get`

use crate::app::App;

#[test]
fn the_callers_own_address_is_answered() {
    let app = App::start();
    assert_eq!(
        app.call("taobao.appip.get", &[]).text(),
        r#"{"appip_get_response":{"ip":"127.0.0.1","request_id":"RID"}}"#
    );
}
