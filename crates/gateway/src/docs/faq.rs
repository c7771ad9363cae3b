//! Questions that integrators ask, and their answers.

use top::{Label, Session, Spec, label};

use super::method::has_sealed;

/// A question with its answer.
#[derive(Debug)]
pub struct Question {
    /// What is asked.
    pub asked: Label,
    /// What is so.
    pub answer: Label,
    concerns: Concerns,
}

/// Of which methods it is asked.
#[derive(Debug, Clone, Copy)]
enum Concerns {
    All,
    WithSession,
    WithoutSession,
    WithObject,
    Sealed,
    Repeatable,
}

/// Rows read: whom it concerns, question and answer in the two languages.
macro_rules! questions {
    ($($concerns:ident $zh:literal $en:literal, $answer:literal $answer_en:literal;)*) => {
        const QUESTIONS: &[Question] = &[$(Question {
            asked: label($zh, $en),
            answer: label($answer, $answer_en),
            concerns: Concerns::$concerns,
        }),*];
    };
}

#[rustfmt::skip]
questions! {
    All "一直返回 Invalid signature（25），怎么排查？" "Why do I always get Invalid signature (25)?",
        "签名串是所有参数（sign 和文件除外）按名称的字节序排列后名值相连：md5 在首尾加 secret，hmac 以 secret 为密钥。常见原因：session 或 SDK 自动加的参数没有参加签名；签的是 URL 编码后的值；编码不是 UTF-8；secret 多了空格；按字典序而不是字节序排序。沙箱的日志会说明错在哪里；也可以用 tripwright sign --given 比较您的签名，或用 tripwright call --explain 看待签名串。" "What is signed is every parameter except sign and files, name and value joined, in byte order of the names: md5 has the secret before and after, hmac has it as its key. Usual mistakes: session, or a parameter the SDK adds, is not signed; values are signed as they are URL-encoded; the text is not UTF-8; the secret has a blank; names are sorted as in a dictionary. The sandbox's log says which it is; tripwright sign --given compares your sign, and tripwright call --explain shows what is signed.";
    All "为什么返回 Invalid timestamp（31）？" "Why do I get Invalid timestamp (31)?",
        "时间戳与平台时间相差超过 10 分钟。平台用北京时间（GMT+8）；.NET、PHP、Node 和部分 Python SDK 发送本机时间，所以在别的时区（容器里通常是 UTC）要设置 TZ=Asia/Shanghai。也可以发送 13 位毫秒数，它与时区无关。" "The timestamp is more than ten minutes off. The platform's clock is China's (GMT+8); the SDKs for .NET, PHP, Node and some for Python send local time, so set TZ=Asia/Shanghai in any other zone (containers are usually in UTC). Epoch milliseconds of 13 digits are taken too, and have no zone.";
    WithSession "session 从哪里来，多久过期？" "Where does the session come from, and how long does it last?",
        "打开 /authorize 让商家同意，再用 code 在 /token 或 taobao.top.auth.token.create 换取；缺省有效 24 小时，用 refresh_token 续期。管理员也可以用 tripwright session add 直接发放。session 必须属于同一个应用，并参加签名。" "Let a person consent at /authorize and turn the code into a token at /token, or with taobao.top.auth.token.create; it lasts 24 hours unless set otherwise and is renewed with the refresh token. An operator can also give one with tripwright session add. It must be the same app's, and it is signed.";
    WithoutSession "这个方法为什么不需要 session？" "Why is no session needed here?",
        "它不代表某个商家：应用的 app_key 就足以认定调用者。带上 session 也不会出错，但要参加签名。" "It acts for nobody but the app, which the app key and the sign prove. A session that is sent all the same does no harm, but must be signed.";
    All "出错时为什么 HTTP 状态也是 200？" "Why is the HTTP status 200 even for errors?",
        "平台就是这样：出错时回答 error_response，HTTP 状态仍是 200。请看 code 和 sub_code。业务规则的拒绝则是正常的响应，里面有方法自己的编码。" "The platform does so: a call that is not served gets an error_response with HTTP 200; look at code and sub_code. A refusal by the rules is a normal answer with the method's own codes.";
    WithObject "对象参数怎么传？" "How do I send a parameter that is an object?",
        "整个对象是一个参数，值是 JSON 文本，成员名用文档里的下划线写法。签名用这段文本本身，不是 URL 编码之后的。页面标为可选的对象，如果有必填的成员，实际上必须传，否则返回 40。" "The whole object is one parameter whose value is JSON text, with the names as they stand here. It is that text that is signed, not its URL-encoded form. An object that the page calls optional though members of it are required must be sent: without it the answer is 40.";
    Sealed "SM4 加密用什么模式、填充和编码？" "Which mode, padding and encoding does SM4 have?",
        "每个应用可以有自己的约定；没有约定时是 ECB、PKCS#7、小写十六进制（ecb/pkcs7/hex）。密钥是 32 位十六进制数。每个字段单独加密，加密后再签名。管理员用 tripwright app change --sm4-scheme 设置；tripwright seal 可以加密一个值来对照。不能解密时返回 401。" "Every app can have its own agreement; without one it is ECB, PKCS#7 and lower-case hex (ecb/pkcs7/hex). The key is 32 hex digits. Each field is sealed by itself, before the call is signed. An operator sets the scheme with tripwright app change --sm4-scheme; tripwright seal seals a value to compare with. What does not open is answered 401.";
    All "示例值为什么能通过校验，我的却不能？" "Why do the examples pass where my own values do not?",
        "文档的示例有些不合规则（例如 8 位的票号、未加密的乘客）。沙箱的演示应用是宽松的，接受它们；您自己的应用和生产环境都按规则校验。" "Some examples break rules (a ticket number of 8 digits, passengers that are not sealed). The sandbox's demo app is lenient and takes them; an app of your own, and any app in production, is held to the rules.";
    All "能一次调用多个 API 吗？" "Can I make many calls at once?",
        "可以：POST 到 /router/batch，缺省最多 20 个调用，按顺序执行，各自成功或失败，响应之间有分隔符。官方 Java SDK 的 BatchTaobaoClient 就是这样用的。" "Yes: POST them to /router/batch, at most 20 unless set otherwise. They are served in their order, each succeeds or fails by itself, and their answers are joined by a separator. The Java SDK's BatchTaobaoClient does so.";
    Repeatable "没有收到响应，可以重试吗？" "The answer was lost. May I repeat the call?",
        "可以：这个方法调用两次与调用一次的结果相同。返回 isp. 开头的 sub_code 时也可以重试；isv. 开头的请先改正参数。" "Yes: made twice, this call does what it does once. A sub_code that begins with isp. may be tried again too; with isv., correct the parameters first.";
    All "找人帮忙时要提供什么？" "What should I tell those who help me?",
        "响应里的 request_id：管理员凭它找到这次调用和它引起的变更。不要提供 secret 和 session。" "The request_id of the answer: an operator finds the call and what it changed by it. Never give away secret or session.";
}

/// Those that are asked of a method.
pub fn of(spec: &Spec) -> impl Iterator<Item = &'static Question> {
    let has_session = spec.session == Session::Required;
    let has_object = spec.request.fields.iter().any(|field| field.shape.travels_as_json());
    let (has_sealed, is_repeatable) = (has_sealed(&spec.request), spec.idempotent);
    QUESTIONS.iter().filter(move |question| match question.concerns {
        Concerns::All => true,
        Concerns::WithSession => has_session,
        Concerns::WithoutSession => !has_session,
        Concerns::WithObject => has_object,
        Concerns::Sealed => has_sealed,
        Concerns::Repeatable => is_repeatable,
    })
}
