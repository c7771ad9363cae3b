//! The platform's SDK for C and C++: names and texts.

use std::fmt::Write as _;

use super::{Call, quoted};

pub fn write(call: &Call<'_>) -> String {
    let access = call.access;
    let mut out = format!(
        "#include <stdio.h>\n#include \"topsdk.h\"\n\nint main(void) {{\n    \
         pTaobaoClient pClient = alloc_taobao_client({}, {}, {});\n    \
         pTopRequest pRequest = alloc_top_request();\n    pTopResponse pResponse = NULL;\n\n    \
         set_api_name(pRequest, {});\n",
        quoted(&access.url()),
        quoted(access.app_key),
        quoted(access.secret),
        quoted(call.spec.name)
    );
    for (name, value) in super::params(call.spec) {
        let _ = writeln!(out, "    add_param(pRequest, {}, {});", quoted(name), quoted(&value));
    }
    let session = call.session().map_or("NULL".to_owned(), quoted);
    let _ = write!(
        out,
        r#"    pResponse = top_execute(pClient, pRequest, {session});
    printf("ret code:%d\n", pResponse->code);
    if (pResponse->code == 0) {{
        pTopResponseIterator ite = init_response_iterator(pResponse);
        pResultItem pResult = alloc_result_item();
        while (parseNext(ite, pResult) == 0) {{
            printf("%s:%s\n", pResult->key, pResult->value);
        }}
        destroy_response_iterator(ite);
        destroy_result_item(pResult);
    }}
    destroy_top_request(pRequest);
    destroy_top_response(pResponse);
    destroy_taobao_client(pClient);
    return 0;
}}
"#
    );
    out
}
