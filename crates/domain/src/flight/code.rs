//! The flight family's code lists. Other families code the same ideas differently: never share.

use serde::{Deserialize, Serialize};

use crate::code::codes;

codes! {
    /// `order_status` of an order. A text on order.cancel, a number elsewhere.
    ///
    /// Source: the V2 create page and the successor API. One sibling page calls 5 待支付, against two
    /// others and against its own neighbour 已出票不可取消; 5 is ticketed.
    OrderStatus {
        Error                = -1, "虚拟状态",       "creation failed",              Published;
        Initial              = 0,  "初始状态",       "initial",                      Published;
        NotSubmitted         = 1,  "未提交",         "not submitted",                Published;
        Ticketing            = 4,  "处理中",         "paid, ticketing in progress",  Published;
        Ticketed             = 5,  "订票成功",       "ticketed",                     Published;
        Closed               = 10, "订票失败",       "closed",                       Published;
        TicketingConfirmed   = 28, "确定出票",       "ticketing confirmed",          Published;
        AwaitingConfirmation = 31, "订单待确认状态", "awaiting seller confirmation", Published;
        Payable              = 32, "订单可支付状态", "payable",                      Published;
    }
}

codes! {
    /// `pay_status` of an order.
    OrderPayStatus {
        Initial         = 0,  "初始",         "initial",                       Published;
        Frozen          = 1,  "冻结成功",     "amount frozen",                 Published;
        Unfrozen        = 3,  "解冻",         "amount unfrozen",               Published;
        Transferred     = 5,  "转交易成功",   "transferred to the seller",     Published;
        TradeCreated    = 9,  "交易创建",     "trade created",                 Published;
        TradeClosed     = 11, "交易关闭",     "trade closed",                  Published;
        SellerConfirmed = 13, "卖家确认可付", "seller confirmed it payable",   Published;
    }
}

codes! {
    /// `status` of a change order as change.detail codes it.
    ChangeStatus {
        Initial = 1, "初始",       "initial",                       Published;
        Changed = 2, "已改签成功", "changed",                       Published;
        Closed  = 3, "已拒绝",     "closed",                        Published;
        ToPay   = 4, "未付款",     "fees filled in, to be paid",    Published;
        Paid    = 5, "已付款",     "paid, reissue in progress",     Published;
    }
}

codes! {
    /// `status` of the same change order as change.apply codes it.
    ChangeApplyStatus {
        Initial = 0, "初始",     "initial", Published;
        ToPay   = 1, "待支付",   "to pay",  Published;
        Paid    = 2, "已支付",   "paid",    Published;
        Changed = 3, "改签成功", "changed", Published;
        Closed  = 4, "已关闭",   "closed",  Published;
    }
}

codes! {
    /// `pay_status` of a change order.
    ChangePayStatus {
        Initial      = 0, "初始",             "initial",                   Published;
        ToPay        = 1, "待支付",           "to pay",                    Published;
        Paid         = 2, "已支付",           "paid",                      Published;
        Transferred  = 3, "转交易成功",       "transferred to the seller", Published;
        PaidClosed   = 4, "已支付的订单关闭", "closed after payment",      Published;
        UnpaidClosed = 5, "未支付的订单关闭", "closed without payment",    Published;
    }
}

codes! {
    /// `settle_type`: who pays, and when.
    SettleType {
        PersonalCash     = 1, "个人现付", "paid by the traveller now",    Published;
        CorporateCash    = 2, "企业现付", "paid by the company now",      Published;
        CorporateMonthly = 4, "企业月结", "billed to the company monthly", Published;
        CorporatePrepaid = 8, "企业预存", "out of the company's deposit", Published;
    }
}

codes! {
    /// `passenger_type` of a traveller, as the successor of change.detail documents it.
    ///
    /// The pages do not say which of the family's tables the field uses; which one is sent is a
    /// setting. See also [`AgentPassengerType`].
    PassengerType {
        Adult        = 0,  "成人",     "adult",         Published;
        Child        = 1,  "儿童",     "child",         Published;
        Student      = 2,  "学生",     "student",       Published;
        Labourer     = 3,  "劳工",     "labourer",      Published;
        NewImmigrant = 4,  "新移民",   "new immigrant", Published;
        Seaman       = 5,  "海员",     "seaman",        Published;
        Senior       = 6,  "老年",     "senior",        Published;
        Youth        = 7,  "青年",     "youth",         Published;
        Infant       = 8,  "婴儿",     "infant",        Published;
        Special      = 99, "特殊旅客", "special",       Published;
    }
}

codes! {
    /// `passenger_type` as the agent methods code it; 9 stands for whatever that table lacks.
    AgentPassengerType {
        Adult   = 1, "成人",   "adult",          Published;
        Child   = 2, "儿童",   "child",          Published;
        Infant  = 3, "婴儿",   "infant",         Published;
        Student = 4, "留学生", "student abroad", Published;
        Other   = 9, "其他",   "other",          Inferred;
    }
}

impl From<PassengerType> for AgentPassengerType {
    fn from(passenger_type: PassengerType) -> Self {
        match passenger_type {
            PassengerType::Adult => Self::Adult,
            PassengerType::Child => Self::Child,
            PassengerType::Infant => Self::Infant,
            PassengerType::Student => Self::Student,
            PassengerType::Labourer
            | PassengerType::NewImmigrant
            | PassengerType::Seaman
            | PassengerType::Senior
            | PassengerType::Youth
            | PassengerType::Special => Self::Other,
        }
    }
}

codes! {
    /// `segment_type`.
    Direction {
        Outbound = 0, "去程", "outbound", Published;
        Inbound  = 1, "回程", "inbound",  Published;
    }
}

codes! {
    /// A traveller's document type.
    DocumentType {
        IdCard              = 0,  "身份证",           "ID card",                             Published;
        Passport            = 1,  "护照",             "passport",                            Published;
        StudentCard         = 2,  "学生证",           "student card",                        Published;
        OfficerCard         = 3,  "军官证",           "officer's card",                      Published;
        HomeReturnPermit    = 4,  "回乡证",           "home return permit",                  Published;
        TaiwanCompatriot    = 5,  "台胞证",           "Taiwan compatriot permit",            Published;
        HongKongMacauPass   = 6,  "港澳通行证",       "Hong Kong and Macau pass",            Published;
        Seafarer            = 7,  "国际海员",         "seafarer's document",                 Published;
        ForeignerResidence  = 8,  "外国人永久居留证", "foreigner's permanent residence card", Published;
        Other               = 9,  "其他",             "other",                               Published;
        PoliceCard          = 10, "警官证",           "police card",                         Published;
        SoldierCard         = 11, "士兵证",           "soldier's card",                      Published;
        TaiwanPass          = 12, "台湾通行证",       "Taiwan pass",                         Published;
        TaiwanEntryPermit   = 13, "入台证",           "Taiwan entry permit",                 Published;
        HouseholdRegister   = 14, "户口簿",           "household register",                  Published;
        BirthCertificate    = 15, "出生证",           "birth certificate",                   Published;
        DrivingLicence      = 16, "驾驶证",           "driving licence",                     Published;
        HongKongMacauResidence = 17, "港澳居民居住证", "Hong Kong and Macau resident's card", Published;
        TaiwanResidence     = 18, "台湾居民居住证",   "Taiwan resident's card",              Published;
    }
}

codes! {
    /// `open_ticket_status`: the coupon's status at the airline.
    CouponStatus {
        NotExisting         = -2, "不存在",       "not existing",            Published;
        Unknown             = -1, "未知",         "unknown",                 Published;
        OpenForUse          = 0,  "可使用",       "open for use",            Published;
        Used                = 1,  "已使用",       "used",                    Published;
        Refunded            = 2,  "已退票",       "refunded",                Published;
        Void                = 3,  "已作废",       "void",                    Published;
        CheckedIn           = 5,  "已值机",       "checked in",              Published;
        Exchanged           = 6,  "已换开",       "exchanged",               Published;
        Suspended           = 7,  "挂起",         "suspended",               Published;
        Boarded             = 8,  "已登机",       "boarded",                 Published;
        Unavailable         = 10, "不可用",       "unavailable",             Published;
        BoardingPassPrinted = 11, "已打印登机牌", "boarding pass printed",   Published;
        AirportControl      = 12, "机场控制",     "airport control",         Published;
        NoCouponAuthority   = 14, "无票联权限",   "no coupon authority",     Published;
    }
}

codes! {
    /// `result_code` and `result_msg` of the flight methods. 0 and 1001 are published.
    ResultCode {
        Ok              = 0,    "成功",         "done",                         Published;
        CancelFailed    = 1001, "取消失败",     "not cancelled",                Published;
        OrderNotFound   = 2001, "订单不存在",   "no such order for this caller", Inferred;
        SubChannelDenied = 2002, "子渠道无权限", "sub-channel not bound",        Inferred;
    }
}

codes! {
    /// `fail_code` and `fail_reason` of order.cancel. 1001 is published.
    CancelFailure {
        Ticketed            = 1001, "已出票不可取消", "already ticketed",       Published;
        TicketingInProgress = 1002, "出票中不可取消", "ticketing in progress",  Inferred;
        Closed              = 1003, "订单已关闭",     "closed, not by a cancel", Inferred;
    }
}

/// `cabin_class`: letters, so not a [`Code`](crate::code::Code) list. Source: the V2 pages' outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CabinClass {
    /// 头等舱, first.
    F,
    /// 公务舱, business.
    C,
    /// 经济舱, economy.
    Y,
    /// 超级经济舱, super economy.
    S,
    /// 高端经济舱, premium.
    P,
    /// 标准舱, standard.
    M,
    /// 超值经济舱, super economy in the successor's words.
    W,
}

impl CabinClass {
    /// Every class, with its Chinese and English label.
    pub const LABELS: &'static [(Self, &'static str, &'static str)] = &[
        (Self::F, "头等舱", "first"),
        (Self::C, "公务舱", "business"),
        (Self::Y, "经济舱", "economy"),
        (Self::S, "超级经济舱", "super economy"),
        (Self::P, "高端经济舱", "premium"),
        (Self::M, "标准舱", "standard"),
        (Self::W, "超值经济舱", "super economy in the successor's words"),
    ];

    /// The letter on the wire.
    pub const fn letter(self) -> &'static str {
        match self {
            Self::F => "F",
            Self::C => "C",
            Self::Y => "Y",
            Self::S => "S",
            Self::P => "P",
            Self::M => "M",
            Self::W => "W",
        }
    }
}
