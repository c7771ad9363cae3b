//! `top-client`: the method's example as it stands in its file, which its own test runs.

use super::{Call, has_sealed};

/// What the example is told by the environment, and how to run it in a clone.
pub fn needs(call: &Call<'_>) -> String {
    let access = call.access;
    let mut lines = vec![
        format!("export TRIPWRIGHT_URL='{}'", access.url()),
        format!("export TRIPWRIGHT_APP_KEY='{}'", access.app_key),
        format!("export TRIPWRIGHT_APP_SECRET='{}'", access.secret),
    ];
    lines.extend(call.session().map(|session| format!("export TRIPWRIGHT_SESSION='{session}'")));
    if has_sealed(&call.spec.request) {
        lines.push(format!("export TRIPWRIGHT_SM4_KEY='{}'", access.sm4_key));
    }
    let stem = call.spec.name.replace('.', "_");
    lines.push(format!("cargo run -p top-client --example {stem}"));
    lines.join("\n") + "\n"
}
