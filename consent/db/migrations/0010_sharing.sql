-- What others may see of a site's figures: no number of fewer people than `threshold`; nothing at all where it is 0. A
-- site without a row has the usual threshold.
create table sharing (
    site_id integer not null primary key,
    threshold integer not null
);
