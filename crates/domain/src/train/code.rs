//! The rail family's code lists. Most are withheld by the pages ("枚举值提供"): inferred.

use crate::code::codes;

codes! {
    /// `order_status` and `ticket_status` of the supply chain. Only 31 stands on a page, beside a full
    /// refund without a fee.
    TrainStatus {
        Ticketed        = 12, "出票成功",     "ticketed",           Inferred;
        Refunding       = 30, "退票中",       "refund asked for",   Inferred;
        Refunded        = 31, "退票成功",     "refunded",           Inferred;
        RefundFailed    = 32, "退票失败",     "refund failed",      Inferred;
        PartlyRefunded  = 33, "部分退票成功", "refunded in part",   Inferred;
    }
}

codes! {
    /// `result_code` of callback.refund, a text on the wire. 200 is published.
    CallbackCode {
        Ok          = 200, "成功",                   "taken",                                    Published;
        BadRequest  = 400, "参数错误",               "malformed or inconsistent",                Inferred;
        Unreadable  = 401, "解密失败",               "a sealed field does not open",             Inferred;
        NotFound    = 404, "订单不存在",             "no such order or ticket for this caller",  Inferred;
        Conflict    = 409, "状态冲突或重复且内容不一致", "final already, with other content",     Inferred;
        BadAmount   = 422, "金额校验失败",           "the amounts do not add up",                Inferred;
    }
}

codes! {
    /// `passenger_id_type`. Four of them stand in a sibling's table, the rest in the travel group's
    /// common list.
    TrainDocumentType {
        IdCard            = 0,  "身份证",             "ID card",                         Published;
        Passport          = 1,  "护照",               "passport",                        Published;
        StudentCard       = 2,  "学生证",             "student card",                    Inferred;
        OfficerCard       = 3,  "军官证",             "officer's card",                  Inferred;
        ReturnPermit      = 4,  "回乡证",             "permit to return home",           Inferred;
        TaiwanCompatriot  = 5,  "台胞证",             "Taiwan compatriot's permit",      Inferred;
        HongKongPermit    = 6,  "港澳通行证",         "permit to Hong Kong and Macao",   Inferred;
        Seafarer          = 7,  "国际海员",           "seafarer's book",                 Inferred;
        ForeignResident   = 8,  "外国人永久居留证",   "foreigner's residence permit",    Inferred;
        Other             = 9,  "其他",               "other",                           Inferred;
        PoliceCard        = 10, "警官证",             "police card",                     Inferred;
        SoldierCard       = 11, "士兵证",             "soldier's card",                  Inferred;
        TaiwanPermit      = 12, "台湾通行证",         "permit to Taiwan",                Inferred;
        TaiwanEntry       = 13, "入台证",             "entry permit to Taiwan",          Inferred;
        HouseholdBook     = 14, "户口簿",             "household register",              Inferred;
        BirthCertificate  = 15, "出生证",             "birth certificate",               Inferred;
        DrivingLicence    = 16, "驾驶证",             "driving licence",                 Inferred;
        HongKongResident  = 17, "港澳居民居住证",     "Hong Kong or Macao residence",    Inferred;
        TaiwanResident    = 18, "台湾居民居住证",     "Taiwan residence permit",         Inferred;
    }
}

codes! {
    /// `ticket_type`.
    TicketType {
        Child   = 0, "儿童票", "child",   Published;
        Adult   = 1, "成人票", "adult",   Published;
        Student = 2, "学生票", "student", Published;
    }
}

/// The railway's seat codes and the names that go with them; 无座 is sold as several.
#[rustfmt::skip]
pub const SEATS: &[(&str, &[&str])] = &[
    ("1", &["硬座", "无座"]),
    ("2", &["软座"]),
    ("3", &["硬卧"]),
    ("4", &["软卧"]),
    ("6", &["高级软卧"]),
    ("9", &["商务座"]),
    ("A", &["高级动卧"]),
    ("D", &["优选一等座"]),
    ("F", &["动卧"]),
    ("H", &["其他"]),
    ("I", &["一等卧"]),
    ("J", &["二等卧"]),
    ("M", &["一等座"]),
    ("O", &["二等座", "无座"]),
    ("P", &["特等座"]),
    ("S", &["二等包座"]),
    ("W", &["无座"]),
    ("WZ", &["无座"]),
];

/// Whether a seat code and a seat name belong together.
pub fn is_seat(seat_type: &str, seat_name: &str) -> bool {
    SEATS
        .iter()
        .any(|(code, names)| code.eq_ignore_ascii_case(seat_type) && names.contains(&seat_name))
}
