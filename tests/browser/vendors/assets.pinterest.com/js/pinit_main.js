new Image().src = "https://log.pinterest.com/?type=pidget&tv=2021&event=init";
