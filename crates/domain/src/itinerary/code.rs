//! The receipts family's code lists.

use crate::code::codes;

codes! {
    /// `ht_error_code`, printed as `0` or `HT-` and the number. No page has a table.
    PostbackCode {
        Ok               = 0,    "成功",                   "taken",                                        Inferred;
        BadTicketNumber  = 1002, "票号格式错误",           "not a ticket number",                          Inferred;
        TooManyTickets   = 1003, "票号数量超出限制",       "too many tickets",                             Inferred;
        TooManyWaiting   = 1004, "待匹配订单的回传过多",   "too many postbacks wait for the order",        Inferred;
        OrderNotFound    = 2001, "订单不存在",             "no such order",                                Inferred;
        NotApproved      = 2002, "差旅单不存在或未审批通过", "travel request unknown or not approved",       Inferred;
        OtherTravel      = 2003, "订单不属于该差旅单",     "the order belongs to another travel request",  Inferred;
        ForeignTicket    = 2004, "票号不属于该订单",       "the ticket is not the order's",                Inferred;
        DeadTicket       = 2005, "票号已退票、作废或换开", "the ticket is refunded, void or exchanged",    Inferred;
        AccountDenied    = 2006, "CWT账号不存在或无权限",  "CWT account unknown or not bound to the app",  Inferred;
        OtherPerson      = 2007, "工号或用户id不匹配",     "employee number or user id of somebody else",  Inferred;
        BoundElsewhere   = 3001, "票号已绑定其他订单",     "the ticket is bound to another order",         Inferred;
    }
}

impl PostbackCode {
    /// The code as the wire has it.
    pub fn text(self) -> String {
        match self.code() {
            0 => "0".to_owned(),
            code => format!("HT-{code}"),
        }
    }
}

codes! {
    /// Where a travel request stands.
    TravelStatus {
        Approving = 0, "APPROVING", "being approved", Published;
        Approved  = 1, "APPROVED",  "approved",       Published;
        Rejected  = 2, "REJECTED",  "rejected",       Published;
    }
}

codes! {
    /// What has become of a ticket of the order.
    TicketState {
        Live      = 0, "有效",   "live",      Inferred;
        Refunded  = 1, "已退票", "refunded",  Inferred;
        Void      = 2, "已作废", "void",      Inferred;
        Exchanged = 3, "已换开", "exchanged", Inferred;
    }
}
