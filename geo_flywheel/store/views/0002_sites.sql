-- Each page with a number for its site, so that whole markets are grouped by integers. site_no is the lowest page_no of
-- the site; its name stands in the row whose page_no is site_no.
CREATE OR REPLACE VIEW page_sites AS
SELECT page_no, url, site, resolved, min(page_no) OVER (PARTITION BY site) AS site_no
FROM page;
