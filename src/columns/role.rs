//! The roles of columns: their usual names, and guesses which column has a role.

use super::untaken;

/// The role of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A text to classify.
    Text,
    /// The class of a text or a photo.
    Label,
    /// The path of a photo.
    Path,
    /// A user, who took an item.
    User,
    /// An item, which a user took.
    Item,
    /// How much a user likes an item.
    Rating,
    /// The time of a row.
    Time,
    /// The value of a series.
    Value,
    /// The id of the series that a value belongs to.
    Series,
    /// What is predicted from the other columns of a table.
    Target,
}

impl Role {
    /// Names of such columns in public data sets, the most telling first; lower case, only letters and digits.
    fn usual_names(self) -> &'static [&'static str] {
        match self {
            Role::Text => &[
                "text",
                "review",
                "reviewtext",
                "reviewbody",
                "comment",
                "commenttext",
                "sentence",
                "message",
                "body",
                "content",
                "tweet",
                "description",
                "utterance",
                "question",
                "document",
                "abstract",
                "title",
            ],
            Role::Label => &[
                "label",
                "labels",
                "target",
                "class",
                "category",
                "sentiment",
                "intent",
                "topic",
                "stars",
                "score",
                "polarity",
                "tag",
                "outcome",
            ],
            Role::Path => &[
                "path",
                "file",
                "filename",
                "filepath",
                "image",
                "imagepath",
                "photo",
                "imageid",
                "img",
            ],
            Role::User => &[
                "userid",
                "user",
                "uid",
                "customerid",
                "customer",
                "reviewerid",
                "visitorid",
                "memberid",
                "clientid",
                "sessionid",
                "accountid",
            ],
            Role::Item => &[
                "itemid",
                "item",
                "movieid",
                "productid",
                "product",
                "asin",
                "bookid",
                "isbn",
                "sku",
                "articleid",
                "article",
                "songid",
                "trackid",
                "artistid",
                "businessid",
                "stockcode",
                "contentid",
            ],
            Role::Rating => &[
                "rating",
                "ratings",
                "stars",
                "overall",
                "score",
                "bookrating",
            ],
            Role::Time => &[
                "timestamp",
                "ds",
                "date",
                "datetime",
                "time",
                "day",
                "week",
                "month",
                "quarter",
                "year",
                "period",
                "ts",
                "unixreviewtime",
                "eventtime",
                "createdat",
                "invoicedate",
                "orderdate",
            ],
            Role::Value => &[
                "y",
                "value",
                "sales",
                "unitssold",
                "units",
                "demand",
                "quantity",
                "qty",
                "amount",
                "count",
                "volume",
                "load",
                "passengers",
                "revenue",
                "price",
                "close",
                "total",
                "cnt",
            ],
            Role::Target => &[
                "target",
                "label",
                "class",
                "y",
                "outcome",
                "response",
                "churn",
                "churned",
                "survived",
                "attrition",
                "default",
                "fraud",
                "isfraud",
                "price",
                "saleprice",
                "income",
                "species",
                "quality",
                "diagnosis",
                "converted",
                "clicked",
                "approved",
                "status",
            ],
            Role::Series => &[
                "uniqueid",
                "seriesid",
                "series",
                "id",
                "store",
                "storeid",
                "shop",
                "sku",
                "item",
                "itemid",
                "product",
                "productid",
                "region",
                "symbol",
                "ticker",
                "name",
            ],
        }
    }

    /// Whether `name` is a usual name of such a column.
    pub(crate) fn is_usual_name(self, name: &str) -> bool {
        self.usual_names().contains(&normalized(name).as_str())
    }

    /// The option of `init` that names such a column.
    pub fn flag(self) -> &'static str {
        match self {
            Role::Text => "--text",
            Role::Label => "--label",
            Role::Path => "--path",
            Role::User => "--user",
            Role::Item => "--item",
            Role::Rating => "--rating",
            Role::Time => "--time",
            Role::Value => "--value",
            Role::Series => "--id",
            Role::Target => "--target",
        }
    }

    /// What the column holds.
    pub fn described(self) -> &'static str {
        match self {
            Role::Text => "the text",
            Role::Label => "the label",
            Role::Path => "the path of the photo",
            Role::User => "the user",
            Role::Item => "the item",
            Role::Rating => "the rating",
            Role::Time => "the time",
            Role::Value => "the value",
            Role::Series => "the id of the series",
            Role::Target => "what is predicted",
        }
    }

    /// The column that is most likely meant, by its name alone; not one of `taken`.
    pub fn guess<'c>(self, columns: &[&'c str], taken: &[&str]) -> Option<&'c str> {
        let free = || untaken(columns, taken);
        let by = |fits: &dyn Fn(&str, &str) -> bool| {
            let usual = self.usual_names().iter();
            usual
                .flat_map(|usual| free().find(|name| fits(&normalized(name), usual)))
                .next()
        };
        by(&|name, usual| name == usual)
            .or_else(|| by(&|name, usual| usual.len() > 3 && name.contains(usual)))
    }
}

impl Role {
    /// Whether such a column may contain this cell.
    pub(super) fn may_be(self, cell: &str) -> bool {
        let cell = cell.trim();
        let is_number = cell.parse::<f64>().is_ok();
        let words = cell.split_whitespace().count();
        match self {
            Role::Text => words > 2,
            Role::Label => words < 3,
            Role::Path => cell.contains('.') && !is_number,
            Role::Time => !is_number && tables::clock::looks_like_time(cell),
            Role::Value | Role::Rating => is_number,
            Role::User | Role::Item | Role::Series => words == 1,
            Role::Target => words < 3,
        }
    }
}

/// The letters and digits of a name, in lower case.
pub(super) fn normalized(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
