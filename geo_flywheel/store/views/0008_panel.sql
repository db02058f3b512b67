-- Pages that could be cited: those of sitemaps, crawl indexes and logs, never of answers. first_seen: the day a page first
-- came up where an earlier look at its site had not shown it; null where it may have been there before anybody looked.
-- A page's first request is no birth: it may have lain there unread.
CREATE OR REPLACE VIEW risk_set AS
SELECT page_no,
    CASE WHEN min(CASE WHEN first_seen > first_look THEN 1 ELSE 0 END) = 1 THEN min(first_seen) END AS first_seen
FROM (
    SELECT page_no, first_seen, min(first_seen) OVER (PARTITION BY source, site_key) AS first_look
    FROM listings
    WHERE page_no IS NOT NULL AND source <> 'links'
    UNION ALL
    SELECT page_no, first_seen, first_seen AS first_look
    FROM visit_listings
) AS looked
GROUP BY page_no;
